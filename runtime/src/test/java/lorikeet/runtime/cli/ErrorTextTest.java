package lorikeet.runtime.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import org.junit.jupiter.api.Test;

final class ErrorTextTest {
    @Test
    void ownMessagesStayAsTheyAre() {
        assertThat(ErrorText.of(new IOException("model.safetensors: tensor 'a' is truncated")))
                .isEqualTo("model.safetensors: tensor 'a' is truncated");
    }

    @Test
    void onlyTheFirstLineIsShown() {
        assertThat(ErrorText.of(new IOException("bad header\n at line 3"))).isEqualTo("bad header");
    }

    @Test
    void barePathsGetWords() {
        assertThat(ErrorText.of(new NoSuchFileException("x"))).isEqualTo("no such file: x");
        assertThat(ErrorText.of(new AccessDeniedException("x"))).isEqualTo("may not read or write x");
    }

    @Test
    void bugsNameTheirClass() {
        assertThat(ErrorText.of(new IllegalStateException())).startsWith("java.lang.IllegalStateException (");
        assertThat(ErrorText.of(new NullPointerException("x"))).startsWith("java.lang.NullPointerException: x (");
        assertThat(ErrorText.of(new IndexOutOfBoundsException("x"))).contains("IndexOutOfBounds", "LORIKEET_DEBUG=1");
    }
}
