package lorikeet.runtime;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;

/**
 * A program that cuts short a file which an adapter's loading reads, again and again. Prints what the loads ended with; a
 * JVM that crashes prints no last line.
 */
final class TruncatedLoads {
    private TruncatedLoads() {}

    /** The arguments: copies of a model and of an adapter for it, the file to cut, the number of rounds, and a seed. */
    public static void main(String[] args) throws Exception {
        Path model = Path.of(args[0]);
        Path adapter = Path.of(args[1]);
        Path victim = Path.of(args[2]);
        int rounds = Integer.parseInt(args[3]);
        SplittableRandom random = new SplittableRandom(Long.parseLong(args[4]));
        byte[] whole = Files.readAllBytes(victim);
        int refused = 0;
        for (int round = 0; round < rounds; round++) {
            long delay = random.nextLong(1, 1_500_000);
            long size = random.nextLong(whole.length);
            try (Lorikeet opened = Lorikeet.open(model)) {
                refused += load(opened, adapter, victim, delay, size) ? 0 : 1;
            }
            Path fresh = Files.write(victim.resolveSibling("fresh"), whole);
            Files.move(fresh, victim, StandardCopyOption.REPLACE_EXISTING);
        }
        System.out.println("refused " + refused + " of " + rounds);
    }

    private static boolean load(Lorikeet model, Path adapter, Path victim, long delay, long size)
            throws InterruptedException {
        Thread other = Thread.ofPlatform().start(() -> {
            LockSupport.parkNanos(delay);
            truncate(victim, size);
        });
        try {
            model.load("a", adapter);
            return true;
        } catch (LorikeetException e) {
            // A file that is cut between two looks at it may seem to be another one, too.
            if (e.code() != ErrorCode.INVALID_FILE && e.code() != ErrorCode.INCOMPATIBLE) {
                throw e;
            }
            return false;
        } finally {
            other.join();
        }
    }

    private static void truncate(Path file, long size) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.truncate(size);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
