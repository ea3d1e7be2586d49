package lorikeet.runtime.text.jinja;

import java.time.ZonedDateTime;
import java.time.format.TextStyle;
import java.time.temporal.ChronoField;
import java.time.temporal.IsoFields;
import java.util.Locale;

/** Python's {@code strftime} in the C locale, with glibc's flags {@code - _ 0 ^}. */
final class Strftime {
    private Strftime() {}

    static String format(String format, ZonedDateTime time) {
        StringBuilder out = new StringBuilder();
        int i = 0;
        while (i < format.length()) {
            char c = format.charAt(i++);
            if (c != '%' || i == format.length()) {
                out.append(c);
                continue;
            }
            char flag = format.charAt(i);
            boolean flagged = "-_0^".indexOf(flag) >= 0 && i + 1 < format.length();
            if (flagged) {
                i++;
            }
            out.append(flagged(directive(format.charAt(i++), time), flag, flagged));
        }
        return out.toString();
    }

    private static String flagged(String text, char flag, boolean flagged) {
        if (!flagged) {
            return text;
        }
        String stripped = text.replaceFirst("^[0 ]+(?=\\d)", "");
        return switch (flag) {
            case '-' -> stripped;
            case '_' -> " ".repeat(text.length() - stripped.length()) + stripped;
            case '0' -> "0".repeat(text.length() - stripped.length()) + stripped;
            default -> Text.upper(text);
        };
    }

    private static String directive(char directive, ZonedDateTime time) {
        int hour12 = time.getHour() % 12 == 0 ? 12 : time.getHour() % 12;
        return switch (directive) {
            case '%' -> "%";
            case 'n' -> "\n";
            case 't' -> "\t";
            case 'a' -> time.getDayOfWeek().getDisplayName(TextStyle.SHORT, Locale.ENGLISH);
            case 'A' -> time.getDayOfWeek().getDisplayName(TextStyle.FULL, Locale.ENGLISH);
            case 'b', 'h' -> month(time).substring(0, 3);
            case 'B' -> month(time);
            case 'c' -> format("%a %b %e %H:%M:%S %Y", time);
            case 'C' -> two(time.getYear() / 100);
            case 'd' -> two(time.getDayOfMonth());
            case 'D', 'x' -> format("%m/%d/%y", time);
            case 'e' -> "%2d".formatted(time.getDayOfMonth());
            case 'f' -> "%06d".formatted(time.get(ChronoField.MICRO_OF_SECOND));
            case 'F' -> format("%Y-%m-%d", time);
            case 'G' -> String.valueOf(time.get(IsoFields.WEEK_BASED_YEAR));
            case 'H' -> two(time.getHour());
            case 'I' -> two(hour12);
            case 'j' -> "%03d".formatted(time.getDayOfYear());
            case 'k' -> "%2d".formatted(time.getHour());
            case 'l' -> "%2d".formatted(hour12);
            case 'm' -> two(time.getMonthValue());
            case 'M' -> two(time.getMinute());
            case 'p' -> time.getHour() < 12 ? "AM" : "PM";
            case 'P' -> time.getHour() < 12 ? "am" : "pm";
            case 'r' -> format("%I:%M:%S %p", time);
            case 'R' -> format("%H:%M", time);
            case 's' -> String.valueOf(time.toEpochSecond());
            case 'S' -> two(time.getSecond());
            case 'T', 'X' -> format("%H:%M:%S", time);
            case 'u' -> String.valueOf(time.getDayOfWeek().getValue());
            case 'U' -> two((time.getDayOfYear() + 6 - time.getDayOfWeek().getValue() % 7) / 7);
            case 'V' -> two(time.get(IsoFields.WEEK_OF_WEEK_BASED_YEAR));
            case 'w' -> String.valueOf(time.getDayOfWeek().getValue() % 7);
            case 'W' -> two((time.getDayOfYear() + 6 - (time.getDayOfWeek().getValue() - 1)) / 7);
            case 'y' -> two(time.getYear() % 100);
            case 'Y' -> String.valueOf(time.getYear());
            // Python's now() knows no zone.
            case 'z', 'Z' -> "";
            default -> throw Failure.of("strftime_now: the directive %" + directive + " is not supported");
        };
    }

    /** In full; the month's short form in the C locale is its first three letters, unlike CLDR's. */
    private static String month(ZonedDateTime time) {
        return time.getMonth().getDisplayName(TextStyle.FULL, Locale.ENGLISH);
    }

    private static String two(int value) {
        return "%02d".formatted(value);
    }
}
