package lorikeet.runtime.cli;

import java.nio.file.Path;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** A value like {@code NAME=DIR}: an adapter's folder, and what it shall be called. */
record NamedFolder(String name, Path folder) {
    /** Reads such a value. */
    static final class Converter implements ITypeConverter<NamedFolder> {
        Converter() {}

        @Override
        public NamedFolder convert(String value) {
            int equals = value.indexOf('=');
            if (equals < 1 || equals == value.length() - 1) {
                throw new TypeConversionException("'" + value + "' is not of the form NAME=DIR");
            }
            return new NamedFolder(value.substring(0, equals), Path.of(value.substring(equals + 1)));
        }
    }
}
