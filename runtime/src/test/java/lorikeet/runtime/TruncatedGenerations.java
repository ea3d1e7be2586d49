package lorikeet.runtime;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/**
 * A program that cuts short a file which a running generation reads, again and again, so that all the code is compiled.
 * Prints what the generations ended with; a JVM that crashes prints no last line.
 */
final class TruncatedGenerations {
    private static final int TOKENS = 60;
    private static final Request REQUEST =
            Request.tokens(List.of(76, 5)).maxTokens(TOKENS).ignoreEnd(true);

    private final Path model;
    private final Path adapter;
    private final Path victim;
    private final long wholeBytes;
    private final boolean cutsModel;
    private final boolean beside;
    private final SplittableRandom random;
    private final List<Choice> expected;

    private TruncatedGenerations(
            Path model, Path adapter, Path victim, boolean beside, long seed, List<Choice> expected)
            throws IOException {
        this.model = model;
        this.adapter = adapter;
        this.victim = victim;
        this.wholeBytes = Files.size(victim);
        this.cutsModel = victim.startsWith(model);
        this.beside = beside;
        this.random = new SplittableRandom(seed);
        this.expected = expected;
    }

    /**
     * The arguments: a model, an adapter for it, a folder for the copies, which of them to shorten ("model" or
     * "adapter"), from where ("listener", between two steps, or "beside", at any time, from another thread), the number
     * of rounds, and a seed.
     */
    public static void main(String[] args) throws Exception {
        Path model = copy(Path.of(args[0]), Path.of(args[2], "model"));
        Path adapter = copy(Path.of(args[1]), Path.of(args[2], "adapter"));
        boolean cutsModel = args[3].equals("model");
        Path victim = cutsModel ? model.resolve("model.safetensors") : adapter.resolve("adapter_model.safetensors");
        byte[] whole = Files.readAllBytes(victim);
        int rounds = Integer.parseInt(args[5]);
        long seed = Long.parseLong(args[6]);
        TruncatedGenerations program = new TruncatedGenerations(
                model, adapter, victim, args[4].equals("beside"), seed, warmUp(model, adapter));
        int refused = 0;
        for (int round = 0; round < rounds; round++) {
            refused += program.round() ? 1 : 0;
            Path fresh = Files.write(victim.resolveSibling("fresh"), whole);
            Files.move(fresh, victim, StandardCopyOption.REPLACE_EXISTING);
        }
        System.out.println("refused " + refused + " of " + rounds);
    }

    private static Path copy(Path from, Path to) throws IOException {
        Files.createDirectories(to);
        try (Stream<Path> files = Files.list(from)) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(file.getFileName()));
            }
        }
        return to;
    }

    private static List<Choice> warmUp(Path model, Path adapter) {
        try (Lorikeet opened = Lorikeet.open(model)) {
            Request request = REQUEST.adapter(opened.load("a", adapter));
            Answer answer = opened.generate(request);
            for (int i = 0; i < 300; i++) {
                opened.generate(request);
            }
            return answer.choices();
        }
    }

    /**
     * One generation; true if it was refused, false if it ended with the right answer: before the file was cut, or because an
     * adapter's file doesn't matter any more once its weights are copied.
     */
    private boolean round() throws InterruptedException {
        try (Lorikeet opened = Lorikeet.open(model)) {
            Request request = REQUEST.adapter(opened.load("a", adapter));
            int cutAfter = random.nextInt(1, TOKENS - 1);
            long delay = random.nextLong(1_000, 15_000_000);
            long size = random.nextLong(wholeBytes);
            Thread other = Thread.ofPlatform().unstarted(() -> {
                LockSupport.parkNanos(delay);
                truncate(size);
            });
            if (beside) {
                other.start();
            }
            try {
                int[] seen = {0};
                List<Answer> answers = opened.generate(List.of(request), event -> {
                    if (++seen[0] == cutAfter && !beside) {
                        truncate(size);
                    }
                    return true;
                });
                boolean mayAnswer = beside || !cutsModel;
                if (!mayAnswer || !answers.getFirst().choices().equals(expected)) {
                    throw new IllegalStateException("answered " + answers);
                }
                return false;
            } catch (LorikeetException e) {
                if (e.code() != ErrorCode.INVALID_FILE
                        || !String.valueOf(e.getMessage()).contains(victim.toString())) {
                    throw e;
                }
                return true;
            } finally {
                other.join();
            }
        }
    }

    private void truncate(long size) {
        try (FileChannel channel = FileChannel.open(victim, StandardOpenOption.WRITE)) {
            channel.truncate(size);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
