package lorikeet.jmh.device;

import java.util.Map;
import java.util.TreeMap;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * One benchmark's result.
 *
 * @param benchmark class and method, without packages
 * @param parameters by name
 * @param unit of the score, as JMH writes it
 * @param score the mean
 * @param error half of its 99.9 % confidence interval; NaN if there were too few iterations
 * @param p99 the 99th percentile of single operations, where those were timed; else of iterations
 * @param deviceMillis the mean by the device's clock, in milliseconds; NaN where there is none
 */
record Figure(
        String benchmark,
        Map<String, String> parameters,
        String unit,
        double score,
        double error,
        double p99,
        double deviceMillis) {
    static Figure of(RunResult result) {
        BenchmarkParams params = result.getParams();
        String path = params.getBenchmark();
        Map<String, String> parameters = new TreeMap<>();
        params.getParamsKeys().forEach(key -> parameters.put(key, params.getParam(key)));
        Result<?> primary = result.getPrimaryResult();
        return new Figure(
                path.substring(path.lastIndexOf('.', path.lastIndexOf('.') - 1) + 1),
                parameters,
                primary.getScoreUnit(),
                primary.getScore(),
                primary.getScoreError(),
                primary.getStatistics().getPercentile(99),
                sum(result, "deviceNanos") / sum(result, "deviceSteps") / 1e6);
    }

    private static double sum(RunResult result, String counter) {
        Result<?> counted = result.getSecondaryResults().get(counter);
        return counted == null ? 0 : counted.getStatistics().getSum();
    }

    /** Writes it. */
    void write(ObjectNode to) {
        to.put("benchmark", benchmark);
        ObjectNode node = to.putObject("parameters");
        parameters.forEach(node::put);
        to.put("unit", unit);
        to.put("score", score);
        number(to, "error", error);
        number(to, "p99", p99);
        number(to, "deviceMillis", deviceMillis);
    }

    /** JSON has no NaN. */
    private static void number(ObjectNode to, String name, double value) {
        if (Double.isFinite(value)) {
            to.put(name, value);
        }
    }

    /** Reads what {@link #write} wrote. */
    static Figure read(JsonNode node) {
        Map<String, String> parameters = new TreeMap<>();
        node.get("parameters")
                .properties()
                .forEach(
                        entry -> parameters.put(entry.getKey(), entry.getValue().asString()));
        return new Figure(
                node.get("benchmark").asString(),
                parameters,
                node.get("unit").asString(),
                node.get("score").asDouble(),
                number(node, "error"),
                number(node, "p99"),
                number(node, "deviceMillis"));
    }

    private static double number(JsonNode node, String name) {
        return node.has(name) ? node.get(name).asDouble() : Double.NaN;
    }

    /** The value of a parameter, empty if the benchmark has none of that name. */
    String parameter(String name) {
        return parameters.getOrDefault(name, "");
    }

    /** What it did a step of. */
    Load load() {
        return Load.parse(parameter("load"));
    }

    /** The adapters' rank; 0 if there are none. */
    int rank() {
        return Integer.parseInt(parameters.getOrDefault("rank", "0"));
    }

    /** The score in milliseconds, whatever unit of time it has. */
    double millis() {
        return unit.startsWith("ns") ? score / 1e6 : unit.startsWith("us") ? score / 1e3 : score;
    }

    /** By the device's clock if it has one, else by the wall's. */
    double deviceOrWallMillis() {
        return Double.isNaN(deviceMillis) ? millis() : deviceMillis;
    }
}
