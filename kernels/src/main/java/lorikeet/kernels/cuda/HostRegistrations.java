package lorikeet.kernels.cuda;

import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import lorikeet.bindings.CudaContext;
import lorikeet.bindings.HostRegistration;
import lorikeet.kernels.Registration;
import lorikeet.memory.MappedPages;

/**
 * The mapped memory that the device may read. A thread of its own page-locks it, one mapping after the other: the driver
 * takes 33 us for a MiB and lets no two threads do it at once, and who asks has other things to do. Any thread may ask.
 */
final class HostRegistrations implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(HostRegistrations.class.getName());

    private final CudaContext context;
    private final boolean registers;
    private final ConcurrentSkipListMap<Long, HostRegistration> registered = new ConcurrentSkipListMap<>();
    private final AtomicBoolean told = new AtomicBoolean();
    private final ExecutorService thread = Executors.newSingleThreadExecutor(
            Thread.ofPlatform().daemon().name("lorikeet-register").factory());

    /** Opens it; {@code registers} is whether memory is page-locked at all, or only fetched. */
    HostRegistrations(CudaContext context, boolean registers) {
        this.context = context;
        this.registers = registers;
    }

    /** Starts to page-lock mapped memory. If the system refuses, it is said once, and copies take the long way. */
    Registration register(MemorySegment mapped) {
        CompletableFuture<Registration> locked = CompletableFuture.supplyAsync(() -> lock(mapped), thread);
        return new Registration() {
            @Override
            public void await() {
                try {
                    locked.join();
                } catch (CompletionException e) {
                    throw new IllegalStateException("mapped memory could not be registered with the GPU", e.getCause());
                }
            }

            @Override
            public void close() {
                // What has failed has nothing to be taken back.
                locked.exceptionally(failure -> NONE).join().close();
            }
        };
    }

    private Registration lock(MemorySegment mapped) {
        // The driver would fetch the pages on this one thread, which takes half as long as locking them.
        MappedPages.touch(mapped);
        if (!registers) {
            return Registration.NONE;
        }
        context.use();
        HostRegistration registration = context.register(mapped);
        if (registration.refusal().isPresent()) {
            if (told.compareAndSet(false, true)) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        "mapped files can't be registered with the GPU, copies take the slower way: "
                                + registration.refusal().get());
            }
            return registration::close;
        }
        registered.put(mapped.address(), registration);
        return () -> {
            registered.remove(mapped.address(), registration);
            registration.close();
        };
    }

    /** Whether the device may read memory, all of it. */
    boolean cover(MemorySegment memory) {
        Map.Entry<Long, HostRegistration> entry = registered.floorEntry(memory.address());
        return entry != null && entry.getValue().covers(memory);
    }

    /** Ends the thread; everything that was registered is closed. */
    @Override
    public void close() {
        thread.shutdown();
    }
}
