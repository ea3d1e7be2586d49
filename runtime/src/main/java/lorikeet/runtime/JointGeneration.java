package lorikeet.runtime;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Waits for requests that were submitted together: all of them are answered, or none. */
final class JointGeneration {
    private final List<Generation> generations;

    JointGeneration(List<Generation> generations) {
        this.generations = generations;
    }

    /**
     * The answers. If a request fails, or the thread is interrupted, the others are cancelled and waited for.
     *
     * @throws LorikeetException what the first request that failed ended with; ABORTED after an interrupt
     */
    List<Answer> await() {
        List<Answer> answers = new ArrayList<>();
        try {
            for (Generation generation : generations) {
                answers.add(generation.await());
            }
            return answers;
        } catch (LorikeetException e) {
            cancel();
            throw e;
        } catch (InterruptedException e) {
            cancel();
            Thread.currentThread().interrupt();
            throw new LorikeetException(ErrorCode.ABORTED, "the thread that waited was interrupted", e);
        }
    }

    /** Cancels all of them, and waits for their ends. */
    void cancel() {
        generations.forEach(Generation::cancel);
        boolean interrupted = false;
        for (Generation generation : generations) {
            while (!generation.isDone()) {
                try {
                    generation.await(Duration.ofDays(1));
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
