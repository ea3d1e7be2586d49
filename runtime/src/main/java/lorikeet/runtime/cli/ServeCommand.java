package lorikeet.runtime.cli;

import java.io.PrintWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import lorikeet.runtime.Lorikeet;
import lorikeet.runtime.server.Server;
import lorikeet.runtime.server.ServerSettings;
import lorikeet.runtime.server.WarmUp;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code lorikeet serve}: a model and its adapters over HTTP. */
@Command(
        name = "serve",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        header = "Serves a model and its adapters over HTTP.",
        customSynopsis = "lorikeet serve --model=DIR [OPTION]...",
        description = {
            "",
            "Answers as OpenAI's API, SGLang and vLLM do, and shows a page at /. Adapters",
            "are loaded, replaced and unloaded while it answers. It listens on this machine",
            "only unless told otherwise. SIGTERM or Ctrl-C lets what runs finish, and ends it",
            "with exit status 0.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  lorikeet serve --model llama",
            "  lorikeet serve --model llama --adapter sql=a/sql,pinned --adapter fr=a/french",
            "  lorikeet serve --model llama --adapters a --max-loaded-loras 100",
            "  lorikeet serve --model llama --host 0.0.0.0 --api-key-file use.key \\",
            "      --admin-key-file admin.key --allow-adapter-path a --state adapters.json",
            ""
        })
final class ServeCommand implements Callable<Integer> {
    @Option(
            names = "--model",
            required = true,
            paramLabel = "DIR",
            description = "A checkpoint: a folder with config.json, safetensors and tokenizer.json.")
    private Path model = Path.of("");

    @Option(
            names = "--name",
            paramLabel = "NAME",
            description = "What clients call the base model (default: its folder's name).")
    private @Nullable String name;

    @ArgGroup(validate = false, heading = "%nWhere it listens, and to whom:%n", order = 1)
    private ListenOptions listen = new ListenOptions();

    @ArgGroup(validate = false, heading = "%nAdapters:%n", order = 2)
    private AdapterOptions adapters = new AdapterOptions();

    @ArgGroup(validate = false, heading = "%nThe engine:%n", order = 3)
    private EngineOptions engine = new EngineOptions();

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before it runs the command
    private CommandSpec spec;

    ServeCommand() {}

    @Override
    public Integer call() throws InterruptedException {
        String baseName = name != null ? name : folderName(model);
        PrintWriter err = spec.commandLine().getErr();
        // Not closed by try: a signal ends the process from another thread, in an order of its own.
        Lorikeet opened = Lorikeet.open(model, adapters.apply(engine.apply()));
        try {
            adapters.load(opened);
            WarmUp.run(opened);
            ServerSettings settings = listen.settings(
                    baseName,
                    model.toAbsolutePath().normalize().toString(),
                    adapters.roots(),
                    adapters.batchAdapters());
            Server server = Server.start(opened, settings);
            Runtime.getRuntime()
                    .addShutdownHook(
                            new Thread(() -> shutDown(server, opened, listen.grace(), err), "lorikeet-shut-down"));
            err.println("lorikeet: serving " + baseName + " at " + url(server.address()) + " on " + opened.device());
            err.flush();
            new CountDownLatch(1).await(); // until a signal
            return 0;
        } catch (RuntimeException | InterruptedException e) {
            opened.close();
            throw e;
        }
    }

    /** Ends the process by itself: the JVM's own exit status after a signal says that it failed. */
    private static void shutDown(Server server, Lorikeet opened, Duration grace, PrintWriter err) {
        int status = 0;
        try {
            err.println("lorikeet: finishing what runs, for at most " + grace.toSeconds() + " s");
            err.flush();
            boolean finished = server.drain(grace);
            opened.close();
            server.drain(Duration.ofSeconds(1)); // those that were aborted get their answers
            server.close();
            err.println(finished ? "lorikeet: all done" : "lorikeet: some requests were ended by the grace time");
        } catch (RuntimeException | InterruptedException e) {
            err.println("lorikeet: " + ErrorText.of(e));
            status = 1;
        }
        err.flush();
        Runtime.getRuntime().halt(status);
    }

    private static String folderName(Path model) {
        Path last = model.toAbsolutePath().normalize().getFileName();
        return last == null ? "base" : last.toString();
    }

    private static String url(InetSocketAddress address) {
        InetAddress host = address.getAddress();
        String text = host.getHostAddress();
        return "http://" + (text.contains(":") ? "[" + text + "]" : text) + ":" + address.getPort();
    }
}
