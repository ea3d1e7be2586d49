package lorikeet.runtime;

import java.time.Duration;

/**
 * What has become of an adapter so far, for metrics. The counts go by name: they go on over replacing, unloading and
 * loading again.
 *
 * @param name the adapter's name
 * @param loaded whether it is loaded now
 * @param resident whether its weights lie on the device now
 * @param loads how often it was loaded
 * @param loadTime the time that these loads took together
 * @param fetches how often its weights were brought to the device
 * @param evictions how often they made room for something else there
 * @param requests the requests that were accepted for it
 * @param activeRequests those that hold it now
 */
public record AdapterStatistics(
        String name,
        boolean loaded,
        boolean resident,
        long loads,
        Duration loadTime,
        long fetches,
        long evictions,
        long requests,
        int activeRequests) {}
