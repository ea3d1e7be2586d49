package lorikeet.runtime.text;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import lorikeet.runtime.text.jinja.Limits;
import lorikeet.runtime.text.jinja.Template;
import lorikeet.runtime.text.jinja.TemplateException;

/**
 * Turns a chat into the text that a model was trained on, by the checkpoint's own Jinja template, as Transformers'
 * {@code apply_chat_template} does. The text holds its special tokens: encode it without adding any.
 *
 * <p>Looked for in this order: {@code chat_template.jinja} with {@code additional_chat_templates/*.jinja}, {@code
 * chat_template.json}, {@code chat_template} in {@code tokenizer_config.json}, there a text or a list of {@code {name,
 * template}}.
 *
 * <p>Templates are foreign code: a rendering is bounded in work, memory and depth, and can do nothing but compute a text.
 * Immutable; safe for use by several threads.
 */
public final class ChatTemplate {
    private static final String DEFAULT = "default";
    private static final String TOOL_USE = "tool_use";

    private record Named(String source, Template template) {}

    private final Map<String, Named> templates;
    private final Map<String, String> specialTokens;

    private ChatTemplate(Map<String, Named> templates, Map<String, String> specialTokens) {
        this.templates = templates;
        this.specialTokens = specialTokens;
    }

    /**
     * The chat template of a checkpoint, or nothing if it has none, as base models often don't.
     *
     * @throws ChatTemplateException if a template is there but malformed
     * @throws TokenizerException if {@code tokenizer_config.json} is
     */
    public static Optional<ChatTemplate> find(Path folder) {
        Map<String, ChatTemplateFiles.Source> sources = ChatTemplateFiles.find(folder);
        if (sources.isEmpty()) {
            return Optional.empty();
        }
        Map<String, Named> templates = new LinkedHashMap<>();
        sources.forEach((name, source) -> templates.put(name, parsed(source.file(), source.text())));
        return Optional.of(
                new ChatTemplate(templates, TokenizerConfig.read(folder).specialTokens()));
    }

    /**
     * A template that doesn't come from a checkpoint.
     *
     * @param template Jinja
     * @param specialTokens variables such as {@code bos_token}
     */
    public static ChatTemplate of(String template, Map<String, String> specialTokens) {
        return new ChatTemplate(Map.of(DEFAULT, parsed("chat template", template)), Map.copyOf(specialTokens));
    }

    private static Named parsed(String source, String text) {
        try {
            return new Named(source, Template.parse(text));
        } catch (TemplateException e) {
            throw ChatTemplateException.of(e, source);
        }
    }

    /** The names of the templates; {@code default} and {@code tool_use} are chosen by {@link #render} itself. */
    public Set<String> names() {
        return templates.keySet();
    }

    /**
     * Renders a chat with the default template, or with the one for tools if tools are given and there is one.
     *
     * @throws ChatTemplateException above all of the kind REFUSED, if the template doesn't take such a chat
     */
    public String render(List<ChatMessage> messages, ChatOptions options) {
        boolean forTools = options.tools().isPresent() && templates.containsKey(TOOL_USE);
        String name = forTools ? TOOL_USE : DEFAULT;
        if (!templates.containsKey(name)) {
            throw new ChatTemplateException(
                    ChatTemplateException.Kind.INVALID_FILE,
                    templates.values().iterator().next().source(),
                    "there is no template named \"default\", only " + templates.keySet(),
                    0,
                    null);
        }
        return render(name, messages, options);
    }

    /** Renders a chat with the template of this name, one of {@link #names()}. */
    public String render(String name, List<ChatMessage> messages, ChatOptions options) {
        Named named = templates.get(name);
        if (named == null) {
            throw new IllegalArgumentException("no chat template named " + name + ", only " + templates.keySet());
        }
        List<Object> fields = new ArrayList<>();
        messages.forEach(message -> fields.add(message.fields()));
        Map<String, Object> variables = new HashMap<>(specialTokens);
        variables.putAll(options.variables());
        variables.put("messages", fields);
        variables.put("tools", options.tools().orElse(null));
        variables.put("documents", options.documents().orElse(null));
        variables.put("add_generation_prompt", options.addGenerationPrompt());
        try {
            return named.template().render(variables, Limits.DEFAULT, options.clock());
        } catch (TemplateException e) {
            throw ChatTemplateException.of(e, named.source());
        }
    }
}
