package lorikeet.runtime.text;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Writes tokenizer.json files of the kinds that the reference checkpoints don't have. */
final class SmallTokenizers {
    private static final List<String> PIECES = List.of(
            "\u2581",
            "e",
            "t",
            "a",
            "o",
            "n",
            "h",
            "l",
            "c",
            ".",
            "\u2581t",
            "he",
            "\u2581the",
            "ll",
            "\u2581he",
            "\u2581hell",
            "\u2581hello",
            "\u2581\u2581",
            "\u00e9",
            "\u732b",
            "ca",
            "\u2581ca",
            "\u2581cat");
    private static final List<String> MERGES = List.of(
            "\u2581 t",
            "h e",
            "\u2581t he",
            "l l",
            "\u2581 he",
            "\u2581he ll",
            "\u2581hell o",
            "\u2581 \u2581",
            "c a",
            "\u2581 ca",
            "\u2581ca t");

    private SmallTokenizers() {}

    /** As checkpoints converted from SentencePiece have it: byte fallback, and a space put before the text. */
    static ObjectNode byteFallback() {
        return sentencePiece("""
                {"type": "Sequence", "decoders": [
                  {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "},
                  {"type": "ByteFallback"},
                  {"type": "Fuse"},
                  {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}""");
    }

    /** The same with a Metaspace decoder. */
    static ObjectNode metaspace(String scheme) {
        return sentencePiece("""
                {"type": "Sequence", "decoders": [
                  {"type": "ByteFallback"},
                  {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "%s", "split": true}]}""".formatted(scheme));
    }

    /** The same with a decoder whose output can't be told before the end. */
    static ObjectNode regexReplace() {
        return sentencePiece("""
                {"type": "Sequence", "decoders": [
                  {"type": "ByteFallback"},
                  {"type": "Fuse"},
                  {"type": "Replace", "pattern": {"Regex": "\u2581+"}, "content": " "}]}""");
    }

    private static ObjectNode sentencePiece(String decoder) {
        ObjectNode root = JsonMapper.shared().createObjectNode();
        root.put("version", "1.0").putNull("truncation").putNull("padding");
        List<String> special = List.of("<unk>", "<s>", "</s>");
        var added = root.putArray("added_tokens");
        for (int id = 0; id < special.size(); id++) {
            added.addObject()
                    .put("id", id)
                    .put("content", special.get(id))
                    .put("single_word", false)
                    .put("lstrip", false)
                    .put("rstrip", false)
                    .put("normalized", false)
                    .put("special", true);
        }
        root.set("normalizer", JsonMapper.shared().readTree("""
                {"type": "Sequence", "normalizers": [
                  {"type": "Prepend", "prepend": "\u2581"},
                  {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]}"""));
        root.putNull("pre_tokenizer");
        root.set("post_processor", JsonMapper.shared().readTree("""
                {"type": "TemplateProcessing",
                 "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                 "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
                 "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}}"""));
        root.set("decoder", JsonMapper.shared().readTree(decoder));
        ObjectNode model = root.putObject("model");
        model.put("type", "BPE").put("unk_token", "<unk>").put("fuse_unk", true).put("byte_fallback", true);
        ObjectNode vocab = model.putObject("vocab");
        special.forEach(token -> vocab.put(token, vocab.size()));
        for (int b = 0; b < 256; b++) {
            vocab.put("<0x%02X>".formatted(b), vocab.size());
        }
        PIECES.forEach(token -> vocab.put(token, vocab.size()));
        var merges = model.putArray("merges");
        MERGES.forEach(merges::add);
        return root;
    }

    static Path write(Path folder, String file, Object json) {
        try {
            return Files.writeString(folder.resolve(file), json.toString(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Tokenizer open(Path folder, ObjectNode json) {
        write(folder, TokenizerFile.NAME, json);
        return Tokenizer.open(folder);
    }
}
