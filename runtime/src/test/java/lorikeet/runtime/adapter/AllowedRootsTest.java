package lorikeet.runtime.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LorikeetException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AllowedRootsTest {
    @TempDir
    private Path temp;

    private Path root = Path.of("");
    private Path outside = Path.of("");

    @BeforeEach
    void makeFolders() throws IOException {
        temp = temp.toRealPath();
        root = Files.createDirectories(temp.resolve("root"));
        outside = Files.createDirectories(temp.resolve("root-of-others/a"));
        Files.createDirectories(root.resolve("a/b"));
    }

    private ErrorCode refusal(String path) {
        AllowedRoots roots = new AllowedRoots(List.of(root));
        LorikeetException[] error = new LorikeetException[1];
        assertThatThrownBy(() -> roots.check(path)).isInstanceOfSatisfying(LorikeetException.class, e -> error[0] = e);
        return error[0].code();
    }

    @Test
    void whatLiesInsideIsAllowed() throws IOException {
        Files.createSymbolicLink(root.resolve("link"), root.resolve("a"));
        Files.createSymbolicLink(outside.resolve("inwards"), root.resolve("a"));
        AllowedRoots roots = new AllowedRoots(List.of(outside, root));
        assertThat(roots.check(root.resolve("a/b").toString())).isEqualTo(root.resolve("a/b"));
        assertThat(roots.check(root.resolve("a/../a").toString())).isEqualTo(root.resolve("a"));
        assertThat(roots.check(root.resolve("link").toString())).isEqualTo(root.resolve("a"));
        assertThat(roots.check(outside.resolve("inwards").toString())).isEqualTo(root.resolve("a"));
    }

    @Test
    void whatLeadsOutsideIsRefused() throws IOException {
        Files.createSymbolicLink(root.resolve("out"), outside);
        Files.createSymbolicLink(root.resolve("dangling"), temp.resolve("nowhere"));
        Files.writeString(outside.resolve("secret"), "");
        Files.createDirectories(root.resolve("filed"));
        Files.createSymbolicLink(root.resolve("filed/adapter_model.safetensors"), outside.resolve("secret"));
        for (String path : List.of(
                outside.toString(),
                root.resolve("../root-of-others/a").toString(),
                root.resolve("a/../..").toString(),
                root.resolve("out").toString(),
                root.resolve("out/deeper").toString(),
                root.resolve("filed").toString(),
                "/",
                "",
                "a\0b",
                temp.resolve("no-such-folder").toString(),
                outside.resolve("no-such-folder").toString())) {
            assertThat(refusal(path)).as(path).isEqualTo(ErrorCode.INVALID_REQUEST);
        }
    }

    @Test
    void whatIsMissingInsideIsNotFound() {
        assertThat(refusal(root.resolve("a/c").toString())).isEqualTo(ErrorCode.NOT_FOUND);
        assertThat(refusal(root.resolve("c/../d").toString())).isEqualTo(ErrorCode.NOT_FOUND);
        assertThatThrownBy(() -> new AllowedRoots(List.of(root.resolve("c"))))
                .isInstanceOfSatisfying(
                        LorikeetException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.NOT_FOUND));
    }

    @Test
    void noRootsAllowNothing() {
        assertThatThrownBy(() -> new AllowedRoots(List.of()).check(root.toString()))
                .isInstanceOfSatisfying(
                        LorikeetException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_REQUEST));
    }
}
