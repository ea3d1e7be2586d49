package lorikeet.jmh;

import java.util.Map;
import java.util.TreeMap;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;

/**
 * What one benchmark has measured, in its own unit.
 *
 * @param benchmark class and method, without packages
 * @param parameters by name
 * @param mean of all operations
 * @param p99 what one in a hundred exceeds
 */
record Score(String benchmark, Map<String, String> parameters, double mean, double p99) {
    static Score of(RunResult result) {
        BenchmarkParams params = result.getParams();
        String path = params.getBenchmark();
        Map<String, String> parameters = new TreeMap<>();
        params.getParamsKeys().forEach(key -> parameters.put(key, params.getParam(key)));
        Result<?> primary = result.getPrimaryResult();
        return new Score(
                path.substring(path.lastIndexOf('.', path.lastIndexOf('.') - 1) + 1),
                parameters,
                primary.getScore(),
                primary.getStatistics().getPercentile(99));
    }
}
