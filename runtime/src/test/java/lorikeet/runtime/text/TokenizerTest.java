package lorikeet.runtime.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

class TokenizerTest {
    @TempDir
    Path folder;

    @TestFactory
    Stream<DynamicTest> encodesAndDecodesAsRecorded() {
        Stream<DynamicTest> checkpoints = Golden.SETS.stream()
                .map(set -> DynamicTest.dynamicTest(set, () -> {
                    JsonNode recorded = Golden.recorded(set);
                    encodesAndDecodes(Golden.model(set), recorded.path("tokenizer"));
                    encodesAndDecodes(Golden.model(set), recorded.path("chat"));
                }));
        DynamicTest unigram = DynamicTest.dynamicTest(
                "unigram",
                () -> encodesAndDecodes(
                        Golden.folder("/tokenizers/unigram"),
                        Golden.json("/tokenizers/unigram/golden.json").path("tokenizer")));
        return Stream.concat(checkpoints, Stream.of(unigram));
    }

    private static void encodesAndDecodes(Path model, JsonNode recorded) {
        try (Tokenizer tokenizer = Tokenizer.open(model)) {
            for (JsonNode item : recorded) {
                String text = item.path("text").asString();
                int[] ids = Golden.ids(item.path("ids"));
                assertThat(tokenizer.encode(text, false)).as(text).isEqualTo(ids);
                if (item.has("decoded")) {
                    assertThat(tokenizer.decode(ids, false))
                            .isEqualTo(item.path("decoded").asString());
                }
                if (item.has("ids_with_special")) {
                    int[] framed = Golden.ids(item.path("ids_with_special"));
                    assertThat(tokenizer.encode(text, true)).as(text).isEqualTo(framed);
                    assertThat(tokenizer.decode(framed, true))
                            .isEqualTo(item.path("decoded_skip_special").asString());
                }
            }
        }
    }

    @Test
    void everySetHasTexts() {
        assertThat(Golden.SETS)
                .allSatisfy(
                        set -> assertThat(Golden.recorded(set).path("tokenizer").size())
                                .isGreaterThan(10));
        assertThat(Golden.json("/tokenizers/unigram/golden.json")
                        .path("tokenizer")
                        .size())
                .isGreaterThan(10);
    }

    @Test
    void knowsVocabularyAndSpecialTokens() {
        try (Tokenizer tokenizer = Tokenizer.open(Golden.model("llama"))) {
            assertThat(tokenizer.vocabularySize()).isEqualTo(512);
            assertThat(tokenizer.idLimit()).isEqualTo(512);
            assertThat(tokenizer.idOf("<|eot_id|>")).hasValue(4);
            assertThat(tokenizer.tokenOf(4)).hasValue("<|eot_id|>");
            assertThat(tokenizer.tokenOf(512)).isEmpty();
            assertThat(tokenizer.idOf("no such token")).isEmpty();
            assertThat(tokenizer.bosId()).hasValue(0);
            assertThat(tokenizer.eosId()).hasValue(4);
            assertThat(tokenizer.specialIds()).containsExactlyInAnyOrder(0, 1, 2, 3, 4);
            assertThat(tokenizer.specialTokens()).containsEntry("bos_token", "<|begin_of_text|>");
            assertThat(tokenizer.decode(new int[] {0, 44, 4}, true)).isEqualTo("H");
            assertThat(tokenizer.decode(new int[] {0, 44, 4}, false)).isEqualTo("<|begin_of_text|>H<|eot_id|>");
        }
    }

    @Test
    void idsWithoutTokenStandForNothingAndNegativeOnesAreRefused() {
        try (Tokenizer tokenizer = Tokenizer.open(Golden.model("llama"))) {
            assertThat(tokenizer.decode(new int[] {44, 100_000, Integer.MAX_VALUE}, false))
                    .isEqualTo("H");
            assertThatThrownBy(() -> tokenizer.decode(new int[] {-1}, false))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("-1");
        }
    }

    @Test
    void takesTextsThatAreHardToPassToNativeCode() {
        try (Tokenizer tokenizer = Tokenizer.open(Golden.model("qwen2"))) {
            for (String text : List.of("a\0b", "\0", "\ud83e\udd9c\0\ud83e\udd9c", "x".repeat(300_000), "\uffff")) {
                assertThat(tokenizer.decode(tokenizer.encode(text, false), false))
                        .isEqualTo(text);
            }
            assertThat(tokenizer.decode(tokenizer.encode("a\ud83e b\udd9c\ud83e\udd9c\ud83e", false), false))
                    .isEqualTo("a\ufffd b\ufffd\ud83e\udd9c\ufffd");
        }
    }

    @Test
    void neverTruncatesOrPads() {
        ObjectNode json = SmallTokenizers.byteFallback();
        json.set("truncation", JsonMapper.shared().readTree("""
                {"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0}"""));
        json.set("padding", JsonMapper.shared().readTree("""
                {"strategy": {"Fixed": 16}, "direction": "Right", "pad_to_multiple_of": null, "pad_id": 0,
                 "pad_type_id": 0, "pad_token": "<unk>"}"""));
        try (Tokenizer tokenizer = SmallTokenizers.open(folder, json)) {
            assertThat(tokenizer.encode("hello hello hello hello hello hello", false))
                    .hasSize(6);
            assertThat(tokenizer.encode("hello", false)).hasSize(1);
        }
    }

    @Test
    void addsWhatTheFileSaysUnlessTheConfigurationSaysOtherwise() {
        ObjectNode json = SmallTokenizers.byteFallback();
        int hello;
        try (Tokenizer tokenizer = SmallTokenizers.open(folder, json)) {
            hello = tokenizer.idOf("\u2581hello").orElseThrow();
            assertThat(tokenizer.encode("hello", true)).containsExactly(1, hello);
            assertThat(tokenizer.encode("hello", false)).containsExactly(hello);
            assertThat(tokenizer.decode(new int[] {1, hello}, true)).isEqualTo("hello");
        }
        config("{\"bos_token\": \"<s>\", \"eos_token\": {\"content\": \"</s>\", \"lstrip\": false},"
                + " \"add_bos_token\": false, \"add_eos_token\": true}");
        try (Tokenizer tokenizer = Tokenizer.open(folder)) {
            assertThat(tokenizer.eosId()).hasValue(2);
            assertThat(tokenizer.encode("hello", true)).containsExactly(hello, 2);
        }
        config("{\"bos_token\": \"<s>\", \"eos_token\": \"</s>\", \"add_bos_token\": true, \"add_eos_token\": false}");
        try (Tokenizer tokenizer = Tokenizer.open(folder)) {
            assertThat(tokenizer.encode("hello", true)).containsExactly(1, hello);
        }
    }

    @Test
    void addsTokensThatOnlyTheConfigurationNames() {
        ObjectNode json = SmallTokenizers.byteFallback();
        int size = json.path("model").path("vocab").size();
        config("""
                {"bos_token": "<s>", "eos_token": null, "pad_token": "[PAD]",
                 "added_tokens_decoder": {
                   "%d": {"content": "<tool>", "special": false, "normalized": false},
                   "%d": {"content": "[PAD]", "special": true, "normalized": false}}}""".formatted(size, size + 1));
        try (Tokenizer tokenizer = SmallTokenizers.open(folder, json)) {
            assertThat(tokenizer.eosId()).isEmpty();
            assertThat(tokenizer.idOf("<tool>")).hasValue(size);
            assertThat(tokenizer.vocabularySize()).isEqualTo(size + 2);
            assertThat(tokenizer.encode("[PAD]<tool>", false)).containsExactly(size + 1, size);
            assertThat(tokenizer.decode(new int[] {size, size + 1}, true)).isEqualTo("<tool>");
        }
        // A token of the model that the configuration names as special becomes one.
        json.putArray("added_tokens");
        config("{\"bos_token\": {\"content\": \"<s>\"}, \"additional_special_tokens\": [\"</s>\", \"<new>\"]}");
        try (Tokenizer tokenizer = SmallTokenizers.open(folder, json)) {
            assertThat(tokenizer.encode("<s></s><new>", false)).containsExactly(1, 2, size);
            assertThat(tokenizer.specialIds()).containsExactlyInAnyOrder(1, 2, size);
            assertThat(tokenizer.decode(new int[] {1, 2, size}, true)).isEmpty();
        }
        json.remove("added_tokens");
        try (Tokenizer tokenizer = SmallTokenizers.open(folder, json)) {
            assertThat(tokenizer.encode("<s></s><new>", false)).containsExactly(1, 2, size);
        }
    }

    @Test
    void readsTheOlderSpecialTokensMap() {
        config("{\"bos_token\": \"<unk>\"}");
        SmallTokenizers.write(
                folder,
                "special_tokens_map.json",
                "{\"bos_token\": {\"content\": \"<s>\", \"lstrip\": false}, \"eos_token\": \"</s>\"}");
        try (Tokenizer tokenizer = SmallTokenizers.open(folder, SmallTokenizers.byteFallback())) {
            assertThat(tokenizer.bosId()).hasValue(1);
            assertThat(tokenizer.eosId()).hasValue(2);
        }
    }

    @Test
    void cleansUpSpacesOnlyWhereTransformersDoes() {
        String config = "{\"clean_up_tokenization_spaces\": true%s}";
        config(config.formatted(""));
        ObjectNode json = SmallTokenizers.byteFallback();
        try (Tokenizer tokenizer = SmallTokenizers.open(folder, json)) {
            assertThat(tokenizer.decode(tokenizer.encode("hello .", false), false))
                    .isEqualTo("hello .");
        }
        config(config.formatted(", \"clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output\": true"));
        try (Tokenizer tokenizer = SmallTokenizers.open(folder, json)) {
            int[] ids = tokenizer.encode("hello .", false);
            assertThat(tokenizer.decode(ids, false)).isEqualTo("hello.");
            DecodeStream stream = tokenizer.decodeStream(false);
            StringBuilder streamed = new StringBuilder();
            for (int id : ids) {
                streamed.append(stream.push(id));
            }
            assertThat(streamed.append(stream.finish())).hasToString("hello.");
        }
        assertThat(SpaceCleanUp.apply("it 's a dog , is n't it ? I 'm ' x ' we 've"))
                .isEqualTo("it's a dog, isn't it? I'm'x'we've");
    }

    @Test
    void namesTheFileThatIsMissingOrMalformed() throws IOException {
        assertThatThrownBy(() -> Tokenizer.open(folder))
                .isInstanceOf(TokenizerException.class)
                .hasMessageContaining(folder.resolve("tokenizer.json").toString())
                .hasMessageContaining("no such file");
        for (String bad : List.of(
                "",
                "{",
                "[]",
                "{}",
                "{\"model\": 3}",
                "{\"model\": {\"type\": \"BPE\"}}",
                "{\"version\": \"1.0\", \"model\": {\"type\": \"Nothing\", \"vocab\": {}}}",
                "{\"version\": \"1.0\", \"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": \"b\"}, \"merges\": []}}",
                "{\"version\": \"1.0\", \"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": -1}, \"merges\": []}}",
                "{\"version\": \"1.0\", \"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 4000000000}, \"merges\": []}}",
                "{\"version\": \"1.0\", \"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": [\"a b\"]}}")) {
            SmallTokenizers.write(folder, "tokenizer.json", bad);
            assertThatThrownBy(() -> Tokenizer.open(folder))
                    .as(bad)
                    .isInstanceOf(TokenizerException.class)
                    .hasMessageContaining("tokenizer.json");
        }
        Files.write(folder.resolve("tokenizer.json"), new byte[] {'{', (byte) 0xFF, '}'});
        assertThatThrownBy(() -> Tokenizer.open(folder))
                .isInstanceOfSatisfying(
                        TokenizerException.class, e -> assertThat(e.file()).hasValue(folder.resolve("tokenizer.json")));
        SmallTokenizers.write(folder, "tokenizer.json", SmallTokenizers.byteFallback());
        for (String bad : List.of(
                "[]",
                "{",
                "{\"split_special_tokens\": true}",
                "{\"added_tokens_decoder\": {\"x\": {}}}",
                "{\"bos_token\": \"\\ud800\"}")) {
            config(bad);
            assertThatThrownBy(() -> Tokenizer.open(folder))
                    .as(bad)
                    .isInstanceOf(TokenizerException.class)
                    .hasMessageContaining("tokenizer_config.json");
        }
    }

    /** Over each of these the native library ends the process, at once or with some text. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "decoder        | {\"type\": \"Strip\", \"content\": \" \", \"start\": 1, \"stop\": 1}",
                "decoder        | {\"type\": \"Sequence\", \"decoders\": [{\"content\": \" \", \"start\": 0, \"stop\": 9}]}",
                "decoder        | {\"type\": \"Fuse\", \"x\": 1e400}",
                "decoder        | {\"type\": \"\\ud800\"}",
                "normalizer     | {\"type\": \"Prepend\", \"prepend\": \"\"}",
                "normalizer     | {\"type\": \"Replace\", \"pattern\": {\"String\": \"\"}, \"content\": \"aa\"}",
                "normalizer     | {\"type\": \"Replace\", \"pattern\": {\"Regex\": \"x*\"}, \"content\": \"aa\"}",
                "normalizer     | {\"type\": \"Precompiled\", \"precompiled_charsmap\": \"AAAA\"}",
                "pre_tokenizer  | {\"type\": \"FixedLength\", \"length\": 0}",
                "post_processor | {\"type\": \"TemplateProcessing\", \"special_tokens\": {}, \"pair\": [],"
                        + " \"single\": [{\"SpecialToken\": {\"id\": \"x\", \"type_id\": 0}}]}",
                "post_processor | {\"type\": \"TemplateProcessing\", \"special_tokens\": {}, \"pair\": [],"
                        + " \"single\": [{\"Sequence\": {\"id\": \"B\", \"type_id\": 0}}]}",
            })
    void refusesWhatWouldEndTheProcess(String part, String value) throws IOException {
        String json = SmallTokenizers.byteFallback().put(part, "this").toString();
        Files.writeString(folder.resolve("tokenizer.json"), json.replace("\"this\"", value));
        assertThatThrownBy(() -> Tokenizer.open(folder))
                .isInstanceOf(TokenizerException.class)
                .hasMessageContaining("tokenizer.json")
                .hasMessageContaining(part);
    }

    @Test
    void refusesMergesWithoutThePrefixThatIsCutOffThem() {
        ObjectNode json = SmallTokenizers.byteFallback();
        ((ObjectNode) json.get("model")).put("continuing_subword_prefix", "##");
        assertThatThrownBy(() -> SmallTokenizers.open(folder, json))
                .isInstanceOf(TokenizerException.class)
                .hasMessageContaining("continuing_subword_prefix");
    }

    @Test
    void aDecoderOfNoStepsJoinsTheTokens() {
        ObjectNode json = SmallTokenizers.byteFallback();
        json.putObject("decoder").put("type", "Sequence").putArray("decoders");
        try (Tokenizer tokenizer = SmallTokenizers.open(folder, json)) {
            int[] ids = tokenizer.encode("the cat", false);
            DecodeStream stream = tokenizer.decodeStream(false);
            StringBuilder text = new StringBuilder();
            for (int id : ids) {
                text.append(stream.push(id));
            }
            assertThat(text.append(stream.finish())).hasToString(tokenizer.decode(ids, false));
        }
    }

    @Test
    void refusesTextsThatAreTooLongForTheNativeLibrary() {
        try (Tokenizer tokenizer = Tokenizer.open(Golden.model("llama"))) {
            String spaces = " ".repeat(12_000_000);
            assertThatThrownBy(() -> tokenizer.encode(spaces, false))
                    .isInstanceOf(TokenizerException.class)
                    .hasMessageContaining("12000000 characters");
        }
    }

    @Test
    void refusesWorkOnceClosed() {
        Tokenizer tokenizer = Tokenizer.open(Golden.model("llama"));
        tokenizer.close();
        tokenizer.close();
        assertThatThrownBy(() -> tokenizer.encode("a", false)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> tokenizer.decode(new int[] {1}, false)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void servesManyThreadsAndOutlivesNoCall() throws Exception {
        Tokenizer tokenizer = Tokenizer.open(Golden.model("llama"));
        String text = "naïve café — déjà vu 日本語 🦜 ".repeat(20);
        int[] expected = tokenizer.encode(text, false);
        List<Callable<Boolean>> work = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            work.add(() -> {
                for (int n = 0; n < 50; n++) {
                    try {
                        assertThat(tokenizer.encode(text, false)).isEqualTo(expected);
                        assertThat(tokenizer.decode(expected, false)).isEqualTo(text);
                    } catch (IllegalStateException e) {
                        return true;
                    }
                }
                return false;
            });
        }
        work.add(() -> {
            Thread.sleep(20);
            tokenizer.close();
            return true;
        });
        try (var pool = Executors.newVirtualThreadPerTaskExecutor()) {
            for (var done : pool.invokeAll(work)) {
                done.get();
            }
        }
        assertThatThrownBy(() -> tokenizer.encode("a", false)).isInstanceOf(IllegalStateException.class);
    }

    private void config(String json) {
        SmallTokenizers.write(folder, TokenizerConfig.FILE, json);
    }
}
