package lorikeet.jmh.device;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import lorikeet.kernels.SampledToken;
import lorikeet.kernels.SamplingSettings;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.engine.Engine;
import lorikeet.runtime.engine.EngineLimits;
import lorikeet.runtime.engine.EngineMemory;
import lorikeet.runtime.engine.GroupListener;
import lorikeet.runtime.engine.GroupSettings;
import lorikeet.runtime.engine.SequenceGroup;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * Decode steps as the engine takes them, for requests that each begin with {@value Decode#CONTEXT} tokens: what it adds to
 * the device's own time, which {@link Decode#forward} measures, is the time that the device waits for Java, and the choice
 * of tokens.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
public class EngineStep {
    private static final int STEPS = 32;
    private static final int FIRST_STEPS = 8;
    private static final int STEP_TOKENS = 2048;
    private static final int CHECKED_TOKENS = 16;

    /** Where to compute. */
    @Param("cpu")
    String device = "cpu";

    /** The model. */
    @Param("SMALL")
    ModelShape shape = ModelShape.SMALL;

    /** Requests, and adapters, of which there are none, see {@link Load}. */
    @Param({"1/0", "8/0"})
    String load = "1/0";

    /** Whether the next step is launched before the last one's tokens were seen. */
    @Param("true")
    boolean looksAhead = true;

    private final List<SequenceGroup> requests = new ArrayList<>();
    private @Nullable RandomDecoder opened;
    private @Nullable Engine running;
    private int[][] prompts = {};

    /** Keeps tokens. */
    private static final class Tokens implements GroupListener {
        private final List<Integer> tokens = new ArrayList<>();

        @Override
        public boolean onToken(int choice, SampledToken token) {
            return tokens.add(token.id());
        }

        @Override
        public void onEnd() {}

        @Override
        public void onFailure(LorikeetException failure) {
            throw failure;
        }
    }

    /** Makes the model, and checks that a text is the same whether the engine looks ahead or not. */
    @Setup
    public void open() {
        Load parsed = Load.parse(load);
        int slabs = 2 * Decode.slabs(shape, parsed, 0);
        RandomDecoder decoder = new RandomDecoder(device, false, shape, STEP_TOKENS, parsed.rows(), slabs);
        opened = decoder;
        SplittableRandom random = new SplittableRandom(3);
        prompts = new int[parsed.rows()][];
        for (int i = 0; i < prompts.length; i++) {
            prompts[i] = random.ints(Decode.CONTEXT, 0, ModelShape.VOCABULARY).toArray();
        }
        // The first one also looks for what is fastest on the device.
        text(engine(decoder, false));
        List<Integer> ahead = text(engine(decoder, true));
        List<Integer> waiting = text(engine(decoder, false));
        if (!ahead.equals(waiting)) {
            throw new IllegalStateException("looking ahead the text is " + ahead + ", else " + waiting);
        }
        running = engine(decoder, looksAhead);
    }

    private Engine engine(RandomDecoder decoder, boolean ahead) {
        EngineLimits limits = new EngineLimits(prompts.length, STEP_TOKENS, prompts.length, 1, prompts.length, true);
        EngineMemory memory = new EngineMemory(decoder.layout(), decoder.pool(), Integer.MAX_VALUE);
        return new Engine(
                limits,
                new DecoderDevice(decoder, ahead),
                shape.config().rope(),
                memory,
                new NoAdapters(),
                System::nanoTime);
    }

    private List<Integer> text(Engine engine) {
        Tokens tokens = new Tokens();
        engine.submit(List.of(request(engine, prompts[0], CHECKED_TOKENS, tokens)), false);
        while (engine.doWork() > 0) {
            // Until it has ended.
        }
        return tokens.tokens;
    }

    private static SequenceGroup request(Engine engine, int[] prompt, int maxTokens, Tokens to) {
        GroupSettings settings = new GroupSettings(List.of(SamplingSettings.GREEDY), maxTokens, null, false, 0, 0);
        return new SequenceGroup(prompt, settings, null, to, engine.now());
    }

    private Engine engine() {
        if (running == null) {
            throw new IllegalStateException("not open");
        }
        return running;
    }

    /** Begins the texts; later times find their prompts in the prefix cache. */
    @Setup(Level.Invocation)
    public void begin() {
        Engine engine = engine();
        List<Tokens> texts = new ArrayList<>();
        for (int[] prompt : prompts) {
            Tokens tokens = new Tokens();
            texts.add(tokens);
            requests.add(request(engine, prompt, Decode.CONTEXT, tokens));
        }
        engine.submit(requests, false);
        while (texts.stream().anyMatch(text -> text.tokens.size() < FIRST_STEPS)) {
            engine.doWork();
        }
    }

    /** Steps that give each text a token. */
    @Benchmark
    @OperationsPerInvocation(STEPS)
    public int step() {
        int work = 0;
        for (int i = 0; i < STEPS; i++) {
            work += engine().doWork();
        }
        return work;
    }

    /** Ends the texts. */
    @TearDown(Level.Invocation)
    public void end() {
        requests.forEach(engine()::cancel);
        requests.clear();
        while (engine().doWork() > 0) {
            // Until nothing is in flight.
        }
    }

    /** Gives everything back. */
    @TearDown
    public void close() {
        if (opened != null) {
            opened.close();
        }
    }
}
