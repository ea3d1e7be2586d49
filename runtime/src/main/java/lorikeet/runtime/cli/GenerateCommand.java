package lorikeet.runtime.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import lorikeet.kernels.SampledToken;
import lorikeet.runtime.Adapter;
import lorikeet.runtime.Answer;
import lorikeet.runtime.Choice;
import lorikeet.runtime.Lorikeet;
import lorikeet.runtime.Request;
import lorikeet.runtime.text.ChatMessage;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lorikeet generate}: continues prompts, or answers a conversation, on the terminal. */
@Command(
        name = "generate",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        header = "Continues a prompt, or several at once, with the base model and its adapters.",
        description = {
            "",
            "The text appears as it is generated. Without a prompt, the prompt is read from the standard input.",
            "Several prompts run as one batch and are printed when they are complete. A prompt that starts with the",
            "name of an adapter and a colon goes to that adapter, 'base:' to the base model."
        },
        footer = {
            "",
            "Examples:",
            "  lorikeet generate --model llama 'The capital of France is'",
            "  lorikeet generate --model llama --chat 'What is a lorikeet?'",
            "  lorikeet generate --model llama --lora sql=adapters/sql 'How many users are there?'",
            "  lorikeet generate --model llama --lora sql=a/sql --lora fr=a/french 'sql:How many?' 'fr:Hello' 'base:Once'",
            ""
        })
final class GenerateCommand implements Callable<Integer> {
    private static final String BASE = "base";

    @Option(
            names = "--model",
            required = true,
            paramLabel = "DIR",
            description = "A checkpoint: a folder with config.json, safetensors and tokenizer.json.")
    private Path model = Path.of("");

    @Option(
            names = "--lora",
            paramLabel = "NAME=DIR",
            converter = NamedFolder.Converter.class,
            description = "Load the PEFT adapter in DIR and call it NAME. May be repeated.")
    private List<NamedFolder> adapters = List.of();

    @Option(
            names = "--adapter",
            paramLabel = "NAME",
            description = "The adapter for prompts that name none: one of --lora, or '" + BASE
                    + "' (default: the adapter, if there is just one).")
    private @Nullable String adapter;

    @Option(names = "--chat", description = "Treat each prompt as a message and use the model's chat template.")
    private boolean chat;

    @Option(names = "--system", paramLabel = "TEXT", description = "With --chat: what the assistant should know first.")
    private @Nullable String system;

    @Mixin
    private SamplingOptions sampling = new SamplingOptions();

    @Mixin
    private ModelOptions options = new ModelOptions();

    @Option(names = "--stats", description = "Say at the end how long it took.")
    private boolean stats;

    @Parameters(paramLabel = "PROMPT", arity = "0..*", description = "What to continue.")
    private List<String> prompts = List.of();

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before it runs the command
    private CommandSpec spec;

    GenerateCommand() {}

    @Override
    public Integer call() throws IOException {
        List<String> texts = prompts.isEmpty() ? List.of(standardInput()) : prompts;
        checkNames();
        if (system != null && !chat) {
            throw new ParameterException(spec.commandLine(), "--system needs --chat");
        }
        try (Lorikeet lorikeet = options.open(model, spec.commandLine().getErr())) {
            Map<String, Adapter> loaded = new LinkedHashMap<>();
            adapters.forEach(given -> loaded.put(given.name(), lorikeet.load(given.name(), given.folder())));
            List<Request> requests = new ArrayList<>();
            for (String text : texts) {
                requests.add(sampling.apply(request(text, loaded), lorikeet));
            }
            long start = System.nanoTime();
            List<Answer> answers = run(lorikeet, requests);
            if (stats) {
                printStats(answers, System.nanoTime() - start, lorikeet.device());
            }
        }
        return 0;
    }

    private void checkNames() {
        Set<String> names = new HashSet<>(Set.of(BASE));
        for (NamedFolder given : adapters) {
            if (!names.add(given.name())) {
                throw new ParameterException(
                        spec.commandLine(),
                        given.name().equals(BASE)
                                ? "--lora " + BASE + "=: that is what the base model is called"
                                : "--lora " + given.name() + "= is given twice");
            }
        }
    }

    private static String standardInput() throws IOException {
        return new String(System.in.readAllBytes(), StandardCharsets.UTF_8).stripTrailing();
    }

    private Request request(String text, Map<String, Adapter> loaded) {
        String name = adapter != null
                ? adapter
                : loaded.size() == 1 ? loaded.keySet().iterator().next() : BASE;
        String prompt = text;
        int colon = text.indexOf(':');
        if (colon > 0) {
            String prefix = text.substring(0, colon);
            if (loaded.containsKey(prefix) || (prefix.equals(BASE) && !loaded.isEmpty())) {
                name = prefix;
                prompt = text.substring(colon + 1);
            }
        }
        if (!name.equals(BASE) && !loaded.containsKey(name)) {
            throw new ParameterException(
                    spec.commandLine(), "--adapter " + name + " is none of the adapters given with --lora");
        }
        return build(prompt).adapter(loaded.get(name));
    }

    private Request build(String prompt) {
        if (!chat) {
            return Request.text(prompt);
        }
        ChatMessage user = ChatMessage.of("user", prompt);
        return system == null ? Request.chat(user) : Request.chat(ChatMessage.of("system", system), user);
    }

    private List<Answer> run(Lorikeet lorikeet, List<Request> requests) {
        PrintWriter out = spec.commandLine().getOut();
        boolean single = requests.size() == 1 && sampling.choices() == 1;
        if (!single) {
            List<Answer> answers = lorikeet.generate(requests);
            for (int i = 0; i < answers.size(); i++) {
                print(out, requests.get(i), answers.get(i));
            }
            out.flush();
            return answers;
        }
        List<Answer> answers = lorikeet.generate(requests, event -> {
            out.print(event.text());
            out.flush();
            return !out.checkError();
        });
        out.println();
        printLogProbs(out, lorikeet, answers.getFirst().choices().getFirst());
        out.flush();
        return answers;
    }

    private static void print(PrintWriter out, Request request, Answer answer) {
        String adapter = request.adapterName();
        for (Choice choice : answer.choices()) {
            out.println("[" + (adapter == null ? BASE : adapter) + "] " + choice.text());
        }
    }

    private void printLogProbs(PrintWriter out, Lorikeet lorikeet, Choice choice) {
        if (!sampling.wantsLogProbs()) {
            return;
        }
        for (SampledToken token : choice.tokens()) {
            out.print(describe(lorikeet, token.id(), token.logProb()));
            for (SampledToken.TokenLogProb other : token.alternatives()) {
                out.print(" | " + describe(lorikeet, other.id(), other.logProb()));
            }
            out.println();
        }
    }

    private static String describe(Lorikeet lorikeet, int id, float logProb) {
        String text = lorikeet.tokenizer().decode(new int[] {id}, false).replace("\n", "\\n");
        return String.format(Locale.ROOT, "%8.4f %6d %s", logProb, id, text);
    }

    private void printStats(List<Answer> answers, long nanos, String device) {
        int prompt = 0;
        int tokens = 0;
        for (Answer answer : answers) {
            prompt += answer.promptTokens().size();
            tokens += answer.choices().stream()
                    .mapToInt(choice -> choice.tokens().size())
                    .sum();
        }
        double seconds = nanos / 1e9;
        PrintWriter err = spec.commandLine().getErr();
        err.printf(
                Locale.ROOT,
                "%d prompt tokens, %d tokens generated in %.2f s (%.1f tokens/s) on %s%n",
                prompt,
                tokens,
                seconds,
                tokens / seconds,
                device);
        err.flush();
    }
}
