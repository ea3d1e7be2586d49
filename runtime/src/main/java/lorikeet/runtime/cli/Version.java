package lorikeet.runtime.cli;

import java.lang.module.ModuleDescriptor;
import java.util.Optional;
import picocli.CommandLine.IVersionProvider;

/** The version that the build wrote into the module's descriptor, and the Java that runs it. */
final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
        String version = Optional.ofNullable(Main.class.getModule().getDescriptor())
                .flatMap(ModuleDescriptor::rawVersion)
                .orElse("(unknown version: not run as a module)");
        return new String[] {"lorikeet " + version, "Java " + Runtime.version() + ", " + System.getProperty("os.arch")};
    }
}
