package lorikeet.memory;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Linux' madvise, by which one call maps all pages of a range that are in the page cache. */
final class PageFetch {
    /** MADV_POPULATE_READ of Linux' asm-generic/mman-common.h; Linux has it from 5.14 on. */
    private static final int POPULATE_READ = 22;

    /** A page, or a part of it where pages are larger. */
    private static final long PAGE_BYTES = 4096;

    private static final @Nullable MethodHandle MADVISE = madvise();

    private PageFetch() {}

    @SuppressWarnings("restricted") // the descriptor is that of Linux' madvise
    private static @Nullable MethodHandle madvise() {
        if (!System.getProperty("os.name", "").toLowerCase(Locale.ROOT).equals("linux")) {
            return null;
        }
        try {
            Linker linker = Linker.nativeLinker();
            return linker.defaultLookup()
                    .find("madvise")
                    .map(function -> linker.downcallHandle(
                            function, FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT)))
                    .orElse(null);
        } catch (IllegalCallerException | UnsupportedOperationException e) {
            return null; // native access isn't allowed, or there is no linker: pages are read one by one then
        }
    }

    /**
     * Fetches all pages of mapped memory.
     *
     * @return false if the system can't, or if a page is lost; then some may have been fetched
     */
    @SuppressWarnings("restricted") // the address is only handed to the system
    static boolean fetch(MemorySegment mapped) {
        if (MADVISE == null) {
            return false;
        }
        long start = mapped.address() / PAGE_BYTES * PAGE_BYTES;
        try {
            long bytes = mapped.address() + mapped.byteSize() - start;
            return (int) MADVISE.invokeExact(MemorySegment.ofAddress(start), bytes, POPULATE_READ) == 0;
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError("a downcall throws nothing that is checked", e);
        }
    }
}
