package lorikeet.jmh.device;

import lorikeet.bindings.StreamTimer;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/**
 * What the device's own clock says beside the wall clock. The mean is the quotient of the two sums; where the device has
 * no clock both stay 0.
 */
@State(Scope.Thread)
@AuxCounters(AuxCounters.Type.EVENTS)
public class DeviceTime {
    /** Nanoseconds that the device took for the steps below. */
    public long deviceNanos;

    /** Steps that were timed. */
    public long deviceSteps;

    /** Does something once, and adds what it takes on the device. */
    void measure(@Nullable StreamTimer timer, Runnable work) {
        if (timer == null) {
            work.run();
            return;
        }
        timer.start();
        work.run();
        timer.stop();
        add(timer, 1);
    }

    /** Adds what the stopwatch has measured, waiting for it. */
    void add(@Nullable StreamTimer timer, int steps) {
        if (timer != null) {
            deviceNanos += Math.round(timer.milliseconds() * 1e6);
            deviceSteps += steps;
        }
    }
}
