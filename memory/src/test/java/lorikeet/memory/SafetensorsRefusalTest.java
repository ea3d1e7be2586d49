package lorikeet.memory;

import static lorikeet.memory.SafetensorsBytes.entry;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class SafetensorsRefusalTest {
    private static final String GOOD = entry("good", "F32", "[2]", "[0,8]");

    @TempDir
    Path folder;

    private InvalidFileException refusal(byte[] bytes) {
        Path file = SafetensorsBytes.write(folder.resolve("bad.safetensors"), bytes);
        InvalidFileException refusal = refusal(file);
        assertThat(refusal.file()).isEqualTo(file);
        return refusal;
    }

    private static InvalidFileException refusal(Path file) {
        try (Arena arena = Arena.ofConfined()) {
            InvalidFileException refusal =
                    catchThrowableOfType(InvalidFileException.class, () -> Safetensors.open(file, arena));
            assertThat(refusal).as("was accepted").isNotNull().hasMessageStartingWith(file + ": ");
            return refusal;
        }
    }

    static Stream<Arguments> badTensors() {
        return Stream.of(
                badEntry("{}", "lacks dtype"),
                badEntry("[]", "is an array; an object is needed"),
                badEntry("null", "is null; an object is needed"),
                badEntry("7", "is the number 7"),
                badEntry("{\"shape\":[2],\"data_offsets\":[8,16]}", "lacks dtype"),
                badEntry("{\"dtype\":\"F32\",\"data_offsets\":[8,16]}", "lacks shape"),
                badEntry("{\"dtype\":\"F32\",\"shape\":[2]}", "lacks data_offsets"),
                badEntry("{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16]}", "dtype twice"),
                badEntry("{\"dtype\":\"F32\",\"shape\":[2],\"shape\":[2],\"data_offsets\":[8,16]}", "shape twice"),
                badEntry(
                        "{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16],\"data_offsets\":[8,16]}",
                        "data_offsets twice"),
                badEntry(
                        "{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16],\"order\":\"F\"}",
                        "has the key 'order'; dtype, shape and data_offsets are accepted"),
                bad("\"F4\"", "[2]", "[8,16]", "dtype is 'F4', which is not supported; [BOOL, U8, "),
                bad("\"F8_E8M0\"", "[8]", "[8,16]", "F8_E8M0"),
                bad("\"C64\"", "[1]", "[8,16]", "C64"),
                bad("\"f32\"", "[2]", "[8,16]", "'f32'"),
                bad("\"\"", "[2]", "[8,16]", "''"),
                bad("32", "[2]", "[8,16]", "dtype is the number 32; a string is needed"),
                bad("null", "[2]", "[8,16]", "dtype is null"),
                bad("\"F32\"", "2", "[8,16]", "shape is the number 2; an array is needed"),
                bad("\"F32\"", "null", "[8,16]", "shape is null"),
                bad("\"F32\"", "{}", "[8,16]", "shape is an object"),
                bad("\"F32\"", "[\"2\"]", "[8,16]", "shape holds the string '2'; integers from 0"),
                bad("\"F32\"", "[[2]]", "[8,16]", "shape holds an array"),
                bad("\"F32\"", "[2.0]", "[8,16]", "shape holds the number 2.0"),
                bad("\"F32\"", "[2e0]", "[8,16]", "shape holds the number 2e0"),
                bad("\"F32\"", "[true]", "[8,16]", "shape holds true"),
                bad("\"F32\"", "[-2]", "[8,16]", "shape holds the number -2"),
                bad("\"F32\"", "[-0]", "[8,16]", "shape holds the number -0"),
                bad("\"F32\"", "[9223372036854775808]", "[8,16]", "the number 9223372036854775808"),
                bad("\"F32\"", "[1" + "0".repeat(99) + "]", "[8,16]", "integers from 0 to 2^63 - 1 are accepted"),
                bad("\"F32\"", "[1" + "0".repeat(1_000_000) + "]", "[8,16]", "exceeds the maximum allowed"),
                bad("\"F32\"", ones(65), "[8,12]", "shape has more than 64 numbers"),
                bad("\"F32\"", "[4294967296,4294967296]", "[8,16]", "more elements than 2^63 - 1"),
                bad("\"F32\"", "[4294967296,4294967296,0]", "[8,8]", "more elements than 2^63 - 1"),
                bad("\"F32\"", "[4611686018427387906]", "[8,16]", "takes more than 2^63 - 1"),
                bad("\"F32\"", "[3]", "[8,16]", "data_offsets [8, 16] span 8 bytes, but shape [3] of F32 takes 12"),
                bad("\"BF16\"", "[2]", "[8,16]", "shape [2] of BF16 takes 4"),
                bad("\"F32\"", "[]", "[8,16]", "shape [] of F32 takes 4"),
                bad("\"F32\"", "[0]", "[8,16]", "shape [0] of F32 takes 0"),
                bad("\"F32\"", "[2]", "[8]", "data_offsets is [8]; [begin, end]"),
                bad("\"F32\"", "[2]", "[]", "data_offsets is []"),
                bad("\"F32\"", "[2]", "[8,16,16]", "data_offsets has more than 2 numbers"),
                bad("\"F32\"", "[2]", "[16,8]", "data_offsets is [16, 8]; [begin, end] with begin <= end"),
                bad("\"F32\"", "[2]", "[-8,0]", "data_offsets holds the number -8"),
                bad("\"F32\"", "[2]", "[8.0,16]", "data_offsets holds the number 8.0"),
                bad("\"F32\"", "[2]", "[8,18446744073709551615]", "the number 18446744073709551615"),
                bad("\"F32\"", "[2]", "{\"begin\":8}", "data_offsets is an object"),
                bad("\"F32\"", "[2]", "[0,8]", "data_offsets [0, 8] overlap tensor 'good', which ends at 8"),
                bad("\"F32\"", "[2]", "[4,12]", "overlap"),
                bad("\"U8\"", "[4]", "[2,6]", "overlap"),
                bad("\"U8\"", "[0]", "[4,4]", "overlap"),
                bad("\"U8\"", "[7]", "[9,16]", "leave a hole behind tensor 'good', which ends at 8"),
                bad("\"F32\"", "[3]", "[8,20]", "data_offsets [8, 20] reach beyond the 16 bytes of data"),
                bad("\"U8\"", "[0]", "[17,17]", "reach beyond"),
                bad("\"U8\"", "[9223372036854775799]", "[8,9223372036854775807]", "reach beyond"));
    }

    private static String ones(int n) {
        return Arrays.toString(new int[n]).replace('0', '1');
    }

    private static Arguments badEntry(String entry, String problem) {
        return arguments("\"a.weight\":" + entry, problem);
    }

    private static Arguments bad(String type, String shape, String offsets, String problem) {
        return badEntry("{\"dtype\":" + type + ",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}", problem);
    }

    /** The tensor's data are the bytes 8 to 16 of 16; those before belong to a sound tensor. */
    @ParameterizedTest
    @MethodSource("badTensors")
    void refusesATensor(String entry, String problem) {
        InvalidFileException refusal = refusal(SafetensorsBytes.of("{" + GOOD + "," + entry + "}", 16));

        assertThat(refusal).hasMessageContaining("tensor 'a.weight': ").hasMessageContaining(problem);
        assertThat(refusal.tensor()).hasValue("a.weight");
        assertThat(refusal.getMessage()).hasSizeLessThan(1000);
    }

    static Stream<Arguments> badHeaders() {
        return Stream.of(
                arguments("{" + GOOD, "is not valid JSON at character"),
                arguments("{" + GOOD + ",}", "is not valid JSON"),
                arguments("{" + GOOD + "}}", "is not valid JSON"),
                arguments("{" + GOOD + "} {}", "goes on with an object after its object"),
                arguments("{" + GOOD + "} 1", "goes on with the number 1"),
                arguments("{" + GOOD + "}x", "is not valid JSON"),
                arguments("{" + GOOD + "}\0", "is not valid JSON"),
                arguments("{" + GOOD + "/**/}", "is not valid JSON"),
                arguments("{'a':1}", "is not valid JSON"),
                arguments("{" + GOOD + "," + GOOD + "}", "has the key 'good' twice"),
                arguments("{" + GOOD + "," + GOOD.replace("good", "\\u0067ood") + "}", "has the key 'good' twice"),
                arguments("{" + GOOD + ",\"__metadata__\":{},\"__metadata__\":{}}", "'__metadata__' twice"),
                arguments("{" + GOOD + ",\"__metadata__\":null}", "__metadata__ is null; an object is needed"),
                arguments("{" + GOOD + ",\"__metadata__\":\"pt\"}", "__metadata__ is the string 'pt'"),
                arguments("{" + GOOD + ",\"__metadata__\":[]}", "__metadata__ is an array"),
                arguments("{" + GOOD + ",\"__metadata__\":{\"a\":1}}", "__metadata__ key 'a' is the number 1"),
                arguments("{" + GOOD + ",\"__metadata__\":{\"a\":null}}", "__metadata__ key 'a' is null"),
                arguments("{" + GOOD + ",\"__metadata__\":{\"a\":{}}}", "__metadata__ key 'a' is an object"),
                arguments("{" + GOOD + ",\"__metadata__\":{\"a\":\"1\",\"a\":\"1\"}}", "has the key 'a' twice"),
                arguments("{\"" + "n".repeat(1_000_000) + "\":1}", "exceeds the maximum allowed"),
                arguments("{}", "has 8 bytes of data, but its tensors end at 0"),
                arguments("{" + entry("t", "U8", "[7]", "[0,7]") + "}", "its tensors end at 7"),
                arguments("", "no header that starts with '{'"),
                arguments(" {" + GOOD + "}", "no header that starts with '{'"),
                arguments("\uFEFF{" + GOOD + "}", "no header that starts with '{'"),
                arguments("[]", "no header that starts with '{'"));
    }

    @ParameterizedTest
    @MethodSource("badHeaders")
    void refusesAHeader(String header, String problem) {
        InvalidFileException refusal = refusal(SafetensorsBytes.of(header, 8));

        assertThat(refusal).hasMessageContaining(problem);
        assertThat(refusal.getMessage()).hasSizeLessThan(1000);
    }

    @Test
    void refusesAHoleBeforeTheFirstTensor() {
        assertThat(refusal(SafetensorsBytes.of("{" + entry("late", "U8", "[7]", "[1,8]") + "}", 8)))
                .hasMessageContaining("tensor 'late'")
                .hasMessageContaining("leave a hole behind the start of the data");
    }

    @Test
    void refusesDeepNesting() {
        String bomb = "[".repeat(1_000_000);
        assertThat(refusal(SafetensorsBytes.of("{\"t\":" + bomb, 0))).hasMessageContaining("tensor 't'");
        assertThat(refusal(SafetensorsBytes.of("{\"t\":{\"shape\":" + bomb, 0))).hasMessageContaining("tensor 't'");
        assertThat(refusal(SafetensorsBytes.of("{\"__metadata__\":{\"a\":" + bomb, 0)))
                .hasMessageContaining("__metadata__");
    }

    static Stream<byte[]> notUtf8() {
        return Stream.of(
                new byte[] {(byte) 0xFF},
                new byte[] {(byte) 0xC3},
                new byte[] {(byte) 0xC0, (byte) 0x80},
                new byte[] {(byte) 0xE0, (byte) 0x80, (byte) 0x80},
                new byte[] {(byte) 0xED, (byte) 0xA0, (byte) 0x80},
                new byte[] {(byte) 0xF4, (byte) 0x90, (byte) 0x80, (byte) 0x80});
    }

    @ParameterizedTest
    @MethodSource("notUtf8")
    void refusesMalformedUtf8(byte[] malformed) {
        byte[] before = "{\"n".getBytes(StandardCharsets.US_ASCII);
        byte[] after = GOOD.substring(1).getBytes(StandardCharsets.US_ASCII);
        ByteBuffer header = ByteBuffer.allocate(before.length + malformed.length + after.length + 1);
        header.put(before).put(malformed).put(after).put((byte) '}');

        assertThat(refusal(SafetensorsBytes.of(header.array(), 8))).hasMessageContaining("not valid UTF-8");
    }

    @Test
    void refusesOtherCharsets() {
        byte[] header = ("{" + GOOD + "}").getBytes(StandardCharsets.UTF_16LE);

        refusal(SafetensorsBytes.of(header, 8));
    }

    @Test
    void refusesAFileOfNoBytes() {
        assertThat(refusal(new byte[0])).hasMessageContaining("is empty");
    }

    @Test
    void refusesAFileTooShortForItsLength() {
        for (int bytes = 1; bytes < 8; bytes++) {
            assertThat(refusal(new byte[bytes])).hasMessageContaining("has " + bytes + " bytes");
        }
    }

    static Stream<Arguments> badLengths() {
        return Stream.of(
                arguments(0L, "no header"),
                arguments(9L, "says that its header takes 9 bytes; in a safetensors file of 16 bytes, at most 8"),
                arguments(100_000_000L, "at most 8"),
                arguments(Long.MAX_VALUE, "9223372036854775807"),
                arguments(Long.MAX_VALUE - 7, "at most 8"),
                arguments(-1L, "18446744073709551615"),
                arguments(Long.MIN_VALUE, "9223372036854775808"));
    }

    @ParameterizedTest
    @MethodSource("badLengths")
    void refusesAHeaderLength(long length, String problem) {
        ByteBuffer file = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN).putLong(length);

        assertThat(refusal(file.array())).hasMessageContaining(problem);
    }

    @Test
    void refusesAHeaderAboveTheLimit() throws IOException {
        Path file = folder.resolve("sparse.safetensors");
        try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
            sparse.setLength(200_000_000);
            sparse.writeLong(Long.reverseBytes(100_000_001));
            sparse.writeByte('{');
        }
        assertThat(refusal(file)).hasMessageContaining("at most 100000000 are accepted");
    }

    @Test
    void refusesEveryTruncation() {
        byte[] whole = new SafetensorsBytes()
                .tensor("a", ElementType.F32, 2, 2)
                .tensor("b", ElementType.U8, 5)
                .bytes();
        for (int length = 0; length < whole.length; length++) {
            InvalidFileException refusal = refusal(Arrays.copyOf(whole, length));
            if (length >= whole.length - 5) {
                assertThat(refusal.tensor()).hasValue("b");
                assertThat(refusal).hasMessageContaining("it may be truncated");
            }
        }
    }

    @Test
    void keepsNamesFitForALog() {
        String name = "a\\n\\u001b[31m\\u202e" + "x".repeat(5000);
        InvalidFileException refusal = refusal(SafetensorsBytes.of("{" + entry(name, "F4", "[1]", "[0,1]") + "}", 1));

        assertThat(refusal.getMessage()).hasSizeLessThan(1000).contains("'a\\u000a\\u001b[31m\\u202ex");
        assertThat(refusal.getMessage()).matches("\\P{Cntrl}*");
        assertThat(refusal.tensor())
                .hasValueSatisfying(
                        tensor -> assertThat(tensor).startsWith("a\n").hasSize(5008));
    }

    @Test
    void namesTheFileOfAnUnusablePath() {
        assertThat(refusal(folder)).hasMessageContaining("is a folder; a regular file is needed");
        assertThat(refusal(folder.resolve("none"))).hasMessageContaining("no such file");
    }
}
