# Finds the JDK that builds Lorikeet. Sourced by mvnw and lorikeet; POSIX shell.
#
# JAVA_HOME wins when it is recent enough; otherwise the newest JDK in the usual places does.
# LORIKEET_JDK_DIRS, a list of folders separated by colons, takes the place of those.
# shellcheck shell=sh

OLDEST_JDK=22

# The version of the JDK in folder $1 as one number that sorts, 25.0.3 as 25000003; nothing where there is no JDK.
jdk_version() {
    [ -f "$1/release" ] && [ -x "$1/bin/java" ] && [ -x "$1/bin/javac" ] && [ -x "$1/bin/jlink" ] || return 0
    sed -n 's/^JAVA_VERSION="\{0,1\}\([0-9][0-9.]*\).*/\1/p' "$1/release" |
        awk -F. 'NR == 1 { printf "%d%03d%03d\n", $1, $2, $3 }'
}

# The folder that the `java` of the PATH really lies in, two levels up.
jdk_of_path() {
    on_path=$(command -v java) || return 0
    real=$(readlink -f "$on_path" 2>/dev/null) || return 0
    dirname "$(dirname "$real")"
}

# One folder a line; patterns that match nothing come out as they are and hold no JDK.
jdk_candidates() {
    if [ -n "${LORIKEET_JDK_DIRS:-}" ]; then
        printf '%s\n' "$LORIKEET_JDK_DIRS" | tr ':' '\n'
        return
    fi
    jdk_of_path
    printf '%s\n' /usr/lib/jvm/* "${SDKMAN_DIR:-${HOME:-}/.sdkman}"/candidates/java/* "${HOME:-}"/.jdks/* \
        /opt/java* /opt/java/* /opt/jdk* /Library/Java/JavaVirtualMachines/*/Contents/Home
}

# Prints the folder of the JDK to use. Fails, with one line on stderr, where there is none.
find_jdk() {
    if [ -n "${JAVA_HOME:-}" ]; then
        version=$(jdk_version "$JAVA_HOME")
        if [ "${version:-0}" -ge "${OLDEST_JDK}000000" ]; then
            printf '%s\n' "$JAVA_HOME"
            return 0
        fi
    fi
    best=$(
        jdk_candidates | while IFS= read -r folder; do
            version=$(jdk_version "$folder")
            if [ "${version:-0}" -ge "${OLDEST_JDK}000000" ]; then
                printf '%s %s\n' "$version" "$folder"
            fi
        done | sort -s -n -r -k 1,1 | head -n 1
    )
    if [ -z "$best" ]; then
        echo "Lorikeet needs a JDK of version $OLDEST_JDK or newer and found none: install one (25 is best, for example" \
            "Eclipse Temurin 25 from https://adoptium.net) or point JAVA_HOME to it." >&2
        return 1
    fi
    printf '%s\n' "${best#* }"
}
