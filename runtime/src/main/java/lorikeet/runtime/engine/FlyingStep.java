package lorikeet.runtime.engine;

import lorikeet.kernels.Sampling;
import lorikeet.memory.Matrix;
import org.jspecify.annotations.Nullable;

/**
 * A step that was launched and has not landed.
 *
 * @param plan what it is made of; not changed meanwhile
 * @param logits a row for each of the plan's rows, as long as no other step is launched
 * @param sampling chooses the tokens of all rows; null if the rows are for something else, too, so that the step must land
 *     before the next is launched
 */
record FlyingStep(StepPlan plan, Matrix logits, @Nullable Sampling sampling) {}
