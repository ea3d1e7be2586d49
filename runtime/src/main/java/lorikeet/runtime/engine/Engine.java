package lorikeet.runtime.engine;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.Consumer;
import lorikeet.kernels.Batch;
import lorikeet.kernels.KvLayout;
import lorikeet.kernels.Operations;
import lorikeet.kernels.SampledToken;
import lorikeet.kernels.SamplingState;
import lorikeet.memory.Matrix;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.model.ForwardPass;
import lorikeet.runtime.model.Rope;
import org.jspecify.annotations.Nullable;

/**
 * Runs sequences together, step by step: sequences join when there is memory for all their tokens, and leave when they
 * end. Confined to one thread at a time, the one that owns the device.
 */
public final class Engine {
    private final Operations operations;
    private final ForwardPass pass;
    private final KvBlocks blocks;
    private final StepPlanner planner;
    private final Batch batch = new Batch();
    private final Deque<Sequence> waiting = new ArrayDeque<>();
    private final List<Sequence> running = new ArrayList<>();
    private final List<Sequence> outputs = new ArrayList<>();
    private final List<SamplingState> states = new ArrayList<>();
    private @Nullable Consumer<Step> observer;
    private long steps;

    /**
     * What a step gave, before tokens are chosen.
     *
     * @param sequences the sequences whose next token is to be chosen
     * @param logits their logits, one row each
     */
    public record Step(List<Sequence> sequences, Matrix logits) {}

    /** An engine over a model's forward pass; it owns nothing of what it is given. */
    public Engine(Operations operations, ForwardPass pass, KvBlocks blocks, Rope rope) {
        this.operations = operations;
        this.pass = pass;
        this.blocks = blocks;
        this.planner = new StepPlanner(rope, pass.maxTokens());
    }

    /** Shows each step's logits to {@code observer} before tokens are chosen; null for nobody. */
    public void observe(@Nullable Consumer<Step> value) {
        observer = value;
    }

    /**
     * Adds a sequence; it starts in a later step.
     *
     * @throws LorikeetException NO_ROOM if the cache could not hold it even alone
     */
    public void submit(Sequence sequence) {
        int needed = KvLayout.blocksFor(sequence.maxCached());
        if (needed > blocks.capacity()) {
            throw new LorikeetException(
                    ErrorCode.NO_ROOM,
                    "a text of up to " + sequence.maxCached() + " tokens takes " + needed + " KV blocks, the cache has "
                            + blocks.capacity());
        }
        waiting.add(sequence);
    }

    /** True when there is nothing to do. */
    public boolean isIdle() {
        return waiting.isEmpty() && running.isEmpty();
    }

    /** The number of steps that were run. */
    public long steps() {
        return steps;
    }

    /**
     * Runs one step: admits what fits, computes, chooses tokens, and ends what has ended.
     *
     * @param checkFiles throws if a mapped file was cut short. Asked before the step, so that lost pages are not read if
     *     it can be helped, and after it, before any token is believed: of the page that the file now ends in, the lost
     *     part reads as zeros.
     */
    public void step(Runnable checkFiles) {
        admit();
        if (running.isEmpty()) {
            return;
        }
        checkFiles.run();
        planner.plan(running, batch, outputs);
        Matrix logits = pass.run(batch, blocks);
        checkFiles.run();
        steps++;
        if (outputs.isEmpty()) {
            return;
        }
        if (observer != null) {
            observer.accept(new Step(outputs, logits));
        }
        choose(logits);
    }

    private void admit() {
        while (!waiting.isEmpty() && running.size() < pass.maxOutputs()) {
            int[] lent = blocks.lend(waiting.peek().maxCached());
            if (lent == null) {
                if (running.isEmpty()) {
                    throw new LorikeetException(ErrorCode.NO_ROOM, "no memory is left for the KV cache");
                }
                return;
            }
            Sequence sequence = waiting.remove();
            sequence.lend(lent);
            running.add(sequence);
        }
    }

    private void choose(Matrix logits) {
        states.clear();
        for (Sequence sequence : outputs) {
            states.add(sequence.sampling());
        }
        List<SampledToken> tokens = operations.sampler().sample(logits, states);
        for (int i = 0; i < tokens.size(); i++) {
            Sequence sequence = outputs.get(i);
            sequence.append(tokens.get(i).id());
            boolean goesOn = sequence.listener().onToken(tokens.get(i));
            if (!goesOn || sequence.reachedMaxTokens()) {
                end(sequence);
            }
        }
    }

    private void end(Sequence sequence) {
        running.remove(sequence);
        blocks.giveBack(sequence.takeBlocks());
        sequence.listener().onEnd();
    }

    /** Drops all sequences, whose listeners hear nothing more. For use after a step has failed. */
    public void abandon() {
        waiting.clear();
        for (Sequence sequence : running) {
            blocks.giveBack(sequence.takeBlocks());
        }
        running.clear();
    }
}
