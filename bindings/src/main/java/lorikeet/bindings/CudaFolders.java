package lorikeet.bindings;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Where NVIDIA's libraries usually lie: the driver's packages, WSL, containers, the toolkit, Python's wheels. */
final class CudaFolders {
    private CudaFolders() {}

    /**
     * The folders in the order in which they are searched, as patterns for {@link FolderPattern}.
     *
     * @param architecture the value of {@code os.arch}
     * @param home the user's home folder
     * @param environment the process's environment variables
     */
    static List<String> usual(String architecture, String home, Map<String, String> environment) {
        String machine = architecture.equals("amd64") ? "x86_64" : architecture;
        List<String> folders = new ArrayList<>(List.of(
                "/usr/lib/" + machine + "-linux-gnu",
                "/usr/lib64",
                "/usr/lib/wsl/lib",
                "/usr/local/nvidia/lib64",
                "/usr/local/cuda*/lib64"));
        for (String variable : List.of("VIRTUAL_ENV", "CONDA_PREFIX")) {
            String prefix = environment.getOrDefault(variable, "");
            if (!prefix.isEmpty()) {
                folders.add(wheels(prefix, "site-packages"));
            }
        }
        folders.add(wheels(home + "/.local", "site-packages"));
        folders.add(wheels("/usr/local", "site-packages"));
        folders.add(wheels("/usr/local", "dist-packages"));
        folders.add(wheels("/usr", "site-packages"));
        folders.add(wheels("/usr", "dist-packages"));
        return folders;
    }

    private static String wheels(String prefix, String packages) {
        return prefix + "/lib/python3*/" + packages + "/nvidia/*/lib";
    }
}
