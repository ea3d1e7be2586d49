package lorikeet.memory;

/** Text from a file, made fit for a message: on one line, without control characters, and not endless. */
final class Quoted {
    private static final int LONGEST = 200;

    private Quoted() {}

    static String of(String text) {
        StringBuilder quoted = new StringBuilder("'");
        for (int i = 0; i < Math.min(text.length(), LONGEST); i++) {
            char c = text.charAt(i);
            if (Character.isISOControl(c) || Character.getType(c) == Character.FORMAT) {
                quoted.append(String.format("\\u%04x", (int) c));
            } else {
                quoted.append(c);
            }
        }
        if (text.length() > LONGEST) {
            return quoted.append("...' (")
                    .append(text.length())
                    .append(" characters)")
                    .toString();
        }
        return quoted.append('\'').toString();
    }
}
