package lorikeet.jmh.device;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A run's results, as they are kept in a JSON file.
 *
 * @param device what was measured, in one line
 * @param java the JVM
 * @param when the day
 * @param shape the model
 * @param figures in the order in which they were measured
 */
record FigureFile(String device, String java, String when, ModelShape shape, List<Figure> figures) {
    private static final JsonMapper MAPPER = new JsonMapper();

    FigureFile {
        figures = List.copyOf(figures);
    }

    void write(Path file) throws IOException {
        ObjectNode root = MAPPER.createObjectNode();
        root.put("device", device);
        root.put("java", java);
        root.put("when", when);
        root.put("shape", shape.name());
        ArrayNode array = root.putArray("figures");
        figures.forEach(figure -> figure.write(array.addObject()));
        Files.writeString(file, MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(root) + "\n");
    }

    /** The first result of a benchmark whose parameters, given as names and values in turn, are these. */
    Optional<Figure> find(String benchmark, String... parameters) {
        return all(benchmark)
                .filter(figure -> {
                    for (int i = 0; i < parameters.length; i += 2) {
                        if (!parameters[i + 1].equals(figure.parameters().get(parameters[i]))) {
                            return false;
                        }
                    }
                    return true;
                })
                .findFirst();
    }

    /** All results of a benchmark, in the order in which they were measured. */
    Stream<Figure> all(String benchmark) {
        return figures.stream().filter(figure -> figure.benchmark().equals(benchmark));
    }

    static FigureFile read(Path file) throws IOException {
        JsonNode root = MAPPER.readTree(Files.readString(file));
        List<Figure> figures = new ArrayList<>();
        root.get("figures").forEach(node -> figures.add(Figure.read(node)));
        return new FigureFile(
                root.get("device").asString(),
                root.get("java").asString(),
                root.get("when").asString(),
                ModelShape.valueOf(root.get("shape").asString()),
                figures);
    }
}
