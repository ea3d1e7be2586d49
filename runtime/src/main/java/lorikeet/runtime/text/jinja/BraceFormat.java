package lorikeet.runtime.text.jinja;

/** {@code str.format} with plain fields, {@code {}}, {@code {0}} and {@code {name}}; format specifications are refused. */
final class BraceFormat {
    private BraceFormat() {}

    static String format(String format, Arguments arguments, Budget budget) {
        StringBuilder out = new StringBuilder();
        int next = 0;
        int i = 0;
        while (i < format.length()) {
            char c = format.charAt(i);
            boolean doubled = i + 1 < format.length() && format.charAt(i + 1) == c;
            if ((c == '{' || c == '}') && doubled) {
                out.append(c);
                i += 2;
            } else if (c == '{') {
                int end = format.indexOf('}', i);
                if (end < 0) {
                    throw Failure.of("expected '}' before end of string");
                }
                String field = format.substring(i + 1, end);
                String text = Printing.str(value(field.isEmpty() ? "" + next++ : field, arguments), budget);
                budget.checkLength((long) out.length() + text.length());
                out.append(text);
                i = end + 1;
            } else if (c == '}') {
                throw Failure.of("single '}' encountered in format string");
            } else {
                out.append(c);
                i++;
            }
        }
        return out.toString();
    }

    private static Object value(String field, Arguments arguments) {
        if (field.chars().allMatch(PyChars::isDigit)) {
            int index = field.length() > 6 ? Integer.MAX_VALUE : Integer.parseInt(field);
            if (index >= arguments.positional().size()) {
                throw Failure.of("there is no argument " + field + " to format");
            }
            return arguments.positional().get(index);
        }
        if (!field.chars().allMatch(c -> c == '_' || Character.isLetterOrDigit(c))) {
            throw Failure.of("the format field '{" + field + "}' is not supported, only a name or a number");
        }
        Object value = arguments.named().get(field);
        if (value == null) {
            throw Failure.of("there is no argument '" + field + "' to format");
        }
        return value;
    }
}
