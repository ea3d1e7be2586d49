package lorikeet.runtime.text;

import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Hugging Face's tokenizers, loaded at most once per process.
 *
 * <p>Only the JNI class and the native library of DJL's artifact are used. DJL's own loader and its
 * {@code HuggingFaceTokenizer} are left out on purpose: they probe for CUDA, may download another build of the library,
 * report to a metadata service, and cut texts at 512 tokens unless told otherwise.
 */
final class NativeTokenizers {
    private NativeTokenizers() {}

    /** The native functions. Throws a {@link TokenizerException} with the same reason on every call if loading failed. */
    static TokenizersLibrary library() {
        String failure = Loading.FAILURE;
        if (failure != null) {
            throw new TokenizerException(failure, null);
        }
        return TokenizersLibrary.LIB;
    }

    private static final class Loading {
        static final @Nullable String FAILURE = attempt();

        private static @Nullable String attempt() {
            try {
                load(NativeLibraryFiles.ofThisProcess().find());
                return null;
            } catch (TokenizerException | IOException | UnsatisfiedLinkError e) {
                return "the native tokenizers library can't be loaded: " + e;
            }
        }
    }

    private static void load(List<Path> files) throws IOException {
        for (Path file : files) {
            try {
                load(file);
            } catch (UnsatisfiedLinkError e) {
                if (!String.valueOf(e.getMessage()).contains("another classloader")) {
                    throw e;
                }
                // The JVM ties a library file to one class loader; a second loader needs a file of its own.
                Path copy = Files.createTempDirectory("lorikeet-").resolve(file.getFileName());
                Files.copy(file, copy);
                load(copy);
            }
        }
    }

    @SuppressWarnings("restricted")
    private static void load(Path file) {
        System.load(file.toAbsolutePath().toString());
    }
}
