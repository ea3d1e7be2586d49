package lorikeet.runtime.engine;

import java.util.List;
import lorikeet.runtime.LorikeetException;
import org.jspecify.annotations.Nullable;

/** What other threads ask of the engine's. */
sealed interface Command {
    /** Start these requests, together if possible. */
    record Submit(List<SequenceGroup> groups) implements Command {}

    /** End this request: it is cancelled, or failed if there is a reason. */
    record End(SequenceGroup group, @Nullable LorikeetException reason) implements Command {}

    /** Give up what the prefix cache has of this adapter. */
    record Forget(long adapterId) implements Command {}
}
