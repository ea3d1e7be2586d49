/** Benchmarks of what a device does with a model of real shapes and random weights: one set for the CPU and for GPUs. */
@NullMarked
package lorikeet.jmh.device;

import org.jspecify.annotations.NullMarked;
