package lorikeet.runtime.verify;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import lorikeet.runtime.Adapter;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.Lorikeet;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.Request;

/**
 * Requests for many adapters at once while those adapters are replaced again and again: every answer must be the one of
 * the adapter that was asked.
 */
public final class SwapStorm {
    private static final int CLIENTS = 8;
    private static final int MOST_TOKENS = 80;

    private final Lorikeet model;
    private final List<Case> cases;
    private final Queue<String> differences = new ConcurrentLinkedQueue<>();
    private final AtomicLong answers = new AtomicLong();
    private final AtomicLong replaced = new AtomicLong();
    private final AtomicBoolean over = new AtomicBoolean();

    /**
     * A request whose answer is known.
     *
     * @param adapter the adapter's name
     * @param folder where it is loaded from
     * @param prompt the text before the answer
     * @param expected the answer
     */
    public record Case(String adapter, Path folder, String prompt, String expected) {}

    /**
     * What came of it.
     *
     * @param answers requests that were answered
     * @param replaced loads that took the place of another
     * @param differences one line for each answer that was not the expected one, and for each failure
     */
    public record Result(long answers, long replaced, List<String> differences) {
        public Result {
            differences = List.copyOf(differences);
        }
    }

    /**
     * A storm.
     *
     * @param model the open model; the cases' adapters are loaded into it and stay
     * @param cases at least one
     */
    public SwapStorm(Lorikeet model, List<Case> cases) {
        this.model = model;
        this.cases = List.copyOf(cases);
    }

    /** Runs for a while. */
    public Result run(Duration length, long seed) {
        for (Case known : cases) {
            if (model.adapter(known.adapter()).isEmpty()) {
                model.load(known.adapter(), known.folder());
            }
        }
        SplittableRandom random = new SplittableRandom(seed);
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < CLIENTS; i++) {
            SplittableRandom own = random.split();
            threads.add(Thread.ofVirtual().start(() -> untilOver(() -> ask(own))));
        }
        SplittableRandom own = random.split();
        long end = System.nanoTime() + length.toNanos();
        untilOver(() -> {
            Case known = cases.get(own.nextInt(cases.size()));
            model.replace(known.adapter(), known.folder());
            replaced.incrementAndGet();
            if (System.nanoTime() > end) {
                over.set(true);
            }
        });
        threads.forEach(SwapStorm::join);
        return new Result(answers.get(), replaced.get(), new ArrayList<>(differences));
    }

    private void untilOver(Runnable task) {
        while (!over.get()) {
            try {
                task.run();
            } catch (LorikeetException e) {
                if (e.code() != ErrorCode.NOT_FOUND) {
                    differences.add("failed: " + e.getMessage());
                    over.set(true);
                }
            } catch (RuntimeException | Error e) {
                differences.add("failed: " + e);
                over.set(true);
            }
        }
    }

    /** Between finding the adapter and asking it, another may have taken its place: then it is not found, and that's right. */
    private void ask(SplittableRandom random) {
        Case known = cases.get(random.nextInt(cases.size()));
        Adapter adapter = model.adapter(known.adapter()).orElseThrow();
        Request request = Request.text(known.prompt()).adapter(adapter).maxTokens(MOST_TOKENS);
        String text = model.generate(request).text();
        answers.incrementAndGet();
        if (!text.strip().equals(known.expected().strip())) {
            differences.add("adapter " + known.adapter() + " answered '" + text + "' to '" + known.prompt()
                    + "' instead of '" + known.expected() + "'");
        }
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
