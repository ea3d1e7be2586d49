package lorikeet.runtime.text;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Finds the chat templates of a checkpoint, by name. */
final class ChatTemplateFiles {
    private static final String SUFFIX = ".jinja";

    /** @param file where the template comes from, for messages */
    record Source(String file, String text) {}

    private ChatTemplateFiles() {}

    static Map<String, Source> find(Path folder) {
        Map<String, Source> found = new LinkedHashMap<>();
        Path own = folder.resolve("chat_template.jinja");
        if (Files.exists(own)) {
            found.put("default", read(own));
        }
        for (Path file : additional(folder.resolve("additional_chat_templates"))) {
            String name = file.getFileName().toString();
            found.put(name.substring(0, name.length() - SUFFIX.length()), read(file));
        }
        for (String file : List.of("chat_template.json", TokenizerConfig.FILE)) {
            if (!found.containsKey("default")) {
                addFrom(folder.resolve(file), found);
            }
        }
        return found;
    }

    private static List<Path> additional(Path folder) {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> file.getFileName().toString().endsWith(SUFFIX))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw invalid(folder, "not readable: " + e, e);
        }
    }

    private static Source read(Path file) {
        try {
            return new Source(file.toString(), Files.readString(file));
        } catch (IOException e) {
            throw invalid(file, "not readable as UTF-8 text: " + e, e);
        }
    }

    private static void addFrom(Path file, Map<String, Source> found) {
        JsonNode template = TokenizerConfig.readObject(file).path("chat_template");
        if (template.isString()) {
            found.putIfAbsent("default", new Source(file.toString(), template.asString()));
        } else if (template.isArray()) {
            for (JsonNode item : template) {
                if (!item.path("name").isString() || !item.path("template").isString()) {
                    throw invalid(file, "\"chat_template\" lists an entry without name or template", null);
                }
                String name = item.path("name").asString();
                found.put(
                        name,
                        new Source(
                                file + " (" + name + ")", item.path("template").asString()));
            }
        } else if (!template.isMissingNode() && !template.isNull()) {
            throw invalid(file, "\"chat_template\" must be a text or a list of names and templates", null);
        }
    }

    private static ChatTemplateException invalid(Path file, String problem, @Nullable Throwable cause) {
        return new ChatTemplateException(ChatTemplateException.Kind.INVALID_FILE, file.toString(), problem, 0, cause);
    }
}
