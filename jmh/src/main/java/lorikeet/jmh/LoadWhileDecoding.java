package lorikeet.jmh;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import lorikeet.memory.ElementType;
import lorikeet.runtime.Generation;
import lorikeet.runtime.Lorikeet;
import lorikeet.runtime.Options;
import lorikeet.runtime.Request;
import lorikeet.runtime.TokenEvent;
import lorikeet.runtime.TokenListener;
import lorikeet.runtime.Unload;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * The gap between two tokens of a stream, while eight streams decode on {@link RandomModel#LARGE} and adapters of 20 MB
 * are loaded and unloaded beside them, one after the other. What counts is the 99th percentile with loads over that
 * without.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
public class LoadWhileDecoding {
    private static final int STREAMS = 8;
    private static final int RANK = 36;
    private static final int ADAPTERS = 200;

    /** Different files; each is loaded under several names, one of them at a time. */
    private static final int FILES = 8;

    /** Loads a second; 0 for none, a number beyond reach for as many as there can be. */
    @Param({"0", "20"})
    int loads;

    private final LinkedBlockingQueue<TokenEvent> tokens = new LinkedBlockingQueue<>();
    private final List<Path> folders = new ArrayList<>();
    private @Nullable Lorikeet opened;
    private @Nullable Thread loader;
    private volatile boolean stopping;

    /** Opens the model, starts the streams, and the loads beside them. */
    @Setup
    public void open() throws IOException, InterruptedException {
        Path parent = BuildFolder.resolve("random-models");
        Path folder = RandomModel.LARGE.write(parent);
        RandomModel.LARGE.writeTokenizer(folder);
        for (int i = 0; i < FILES; i++) {
            folders.add(RandomModel.LARGE.writeAdapter(parent, RANK, ElementType.F32, i));
        }
        Lorikeet model = Lorikeet.open(folder, Options.DEFAULT.poolBytes(4L << 30));
        opened = model;
        for (int i = 0; i < STREAMS; i++) {
            stream(model, i);
        }
        // Until the prompts are computed and all streams run.
        for (int i = 0; i < 4 * STREAMS; i++) {
            tokens.take();
        }
        if (loads > 0) {
            loader = Thread.ofPlatform().daemon().start(this::load);
        }
    }

    /** A stream that starts again when it has reached the most tokens of a text. */
    private void stream(Lorikeet model, int number) {
        Request request =
                Request.tokens(List.of(1 + number, 2, 3)).maxTokens(8000).ignoreEnd(true);
        Generation generation = model.submit(request, new TokenListener() {
            @Override
            public boolean onToken(TokenEvent event) {
                if (number == 0) {
                    tokens.add(event);
                }
                return !stopping;
            }
        });
        if (generation.isDone()) {
            throw new IllegalStateException("stream " + number + " has ended at once");
        }
    }

    private void load() {
        long pause = TimeUnit.SECONDS.toNanos(1) / loads;
        long next = System.nanoTime();
        for (int i = 0; !stopping; i++) {
            String name = "adapter " + i % ADAPTERS;
            if (i >= ADAPTERS) {
                model().unload(name, Unload.AND_WAIT);
            }
            model().load(name, folders.get(i % FILES));
            next += pause;
            while (System.nanoTime() < next && !stopping) {
                LockSupport.parkNanos(next - System.nanoTime());
            }
        }
    }

    private Lorikeet model() {
        if (opened == null) {
            throw new IllegalStateException("not open");
        }
        return opened;
    }

    /** Waits for the next token. */
    @Benchmark
    public TokenEvent nextToken() throws InterruptedException {
        TokenEvent token = tokens.poll(60, TimeUnit.SECONDS);
        if (token == null) {
            throw new IllegalStateException("the stream has ended");
        }
        return token;
    }

    /** Ends the streams and gives everything back. */
    @TearDown
    public void close() throws InterruptedException {
        stopping = true;
        if (loader != null) {
            loader.join();
        }
        model().close();
    }
}
