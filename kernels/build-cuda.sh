#!/bin/bash
# Compiles the CUDA sources into one fatbin: machine code for each architecture, and PTX for those still to come.
#
#   build-cuda.sh SOURCES WORK FATBIN
#
# Writes WORK/resources.txt (registers, shared memory and spills of every kernel) and fails if a kernel spills. Objects
# are kept by a hash of what they are made of, in WORK's neighbours too (~/.cache/lorikeet/cuda, objects unused for two
# weeks are deleted), so that only what changed is compiled. Without nvcc it says so and succeeds.
set -euo pipefail
sources=$1 work=$2 fatbin=$3
self=$(readlink -f "$0")

machines='80 86 89 90a 100 120'
portable=100 # the PTX: runs on every later architecture
flags='-std=c++17 -O3 -Werror all-warnings -Xptxas=-v'

find_nvcc() {
    command -v nvcc && return
    local home
    for home in "${CUDA_HOME:-}" /usr/local/cuda; do
        [ -n "$home" ] && [ -x "$home/bin/nvcc" ] && echo "$home/bin/nvcc" && return
    done
    return 1
}

# A source and the headers of ours that it includes.
parts() {
    local header
    echo "$1"
    sed -n 's/^#include "\(.*\)"/\1/p' "$1" | while read -r header; do parts "$sources/$header"; done
}

# compile NAME: brings WORK/NAME.o and WORK/NAME.log up to date.
compile() {
    local name=$1 key kept gencode='' machine
    key=$({ cat "$self"; "$nvcc" --version; parts "$sources/$name.cu" | sort -u | xargs cat; } | sha256sum | cut -c-40)
    [ "$(cat "$work/$name.key" 2>/dev/null)" != "$key" ] || return 0
    kept=$cache/$name-$key
    (
        flock 9 # another checkout may be compiling the same
        if [ ! -f "$kept.o" ]; then
            for machine in $machines; do gencode+=" -gencode=arch=compute_$machine,code=sm_$machine"; done
            # shellcheck disable=SC2086
            "$nvcc" $flags $gencode -dc "$sources/$name.cu" -o "$kept.tmp" >"$kept.log" 2>&1 ||
                { cat "$kept.log" >&2; exit 1; }
            mv "$kept.tmp" "$kept.o"
        fi
        touch "$kept.o" "$kept.log"
        cp "$kept.o" "$work/$name.o"
        cp "$kept.log" "$work/$name.log"
    ) 9>"$kept.lock"
    echo "$key" >"$work/$name.key"
}

# The compiler's reports (NAME.log) and the linker's (MACHINE.link, which knows of static shared memory) as a table.
report() {
    echo 'machine kernel registers shared_bytes stack_bytes spill_bytes'
    awk '
        { split($0, quoted, "\047") }
        /Compiling entry function/ { kernel = quoted[2]; machine = quoted[4] }
        /bytes spill stores/ { spilled[machine, kernel] = $5 + $9 }
        /nvlink.*Function properties for/ { kernel = quoted[2]; n = split(FILENAME, path, "/"); machine = path[n] }
        /nvlink.*used [0-9]+ registers/ {
            sub(/\.link$/, "", machine)
            for (i = 2; i <= NF; i++) {
                if ($i ~ /^registers/) registers = $(i - 1)
                if ($i ~ /^stack/) stack = $(i - 1)
                if ($i ~ /^smem/) shared = $(i - 2)
            }
            print machine, kernel, registers, shared, stack, spilled[machine, kernel]
        }' "$@"
}

if [ "${4:-}" = compile ]; then
    compile "$5"
    exit
fi

if ! nvcc=$(find_nvcc); then
    echo "No nvcc on the PATH, in CUDA_HOME or in /usr/local/cuda: built without the CUDA kernels."
    exit 0
fi
export nvcc
export cache=${XDG_CACHE_HOME:-$HOME/.cache}/lorikeet/cuda
mkdir -p "$work" "$cache" "$(dirname "$fatbin")"
find "$cache" -type f -mtime +14 -delete
names=$(basename -s .cu "$sources"/*.cu)

echo "$names" | xargs -P 2 -I{} "$self" "$sources" "$work" "$fatbin" compile {}
made_of=$(cd "$work" && echo "$names" | sed 's/$/.key/' | xargs cat)
[ ! -f "$fatbin" ] || [ "$made_of" != "$(cat "$work/linked" 2>/dev/null)" ] || exit 0

objects=$(echo "$names" | sed "s|.*|$work/&.o|")
logs=$(echo "$names" | sed "s|.*|$work/&.log|")
images=''
for machine in $machines; do
    # shellcheck disable=SC2086
    "$nvcc" -arch="sm_$machine" -dlink -cubin -Xnvlink=-v $objects -o "$work/sm_$machine.cubin" \
        >"$work/sm_$machine.link" 2>&1 || { cat "$work/sm_$machine.link" >&2; exit 1; }
    logs+=" $work/sm_$machine.link"
    images+=" --image3=kind=elf,sm=$machine,file=$work/sm_$machine.cubin"
done
# shellcheck disable=SC2086
report $logs >"$work/resources.txt"
if awk 'NR > 1 && $6 > 0' "$work/resources.txt" | grep . >&2; then
    echo "These kernels spill registers (columns: $(head -1 "$work/resources.txt"))." >&2
    exit 1
fi

# PTX can't be linked ahead of time, so that all sources are compiled as one: their helpers need names of their own.
echo "$names" | sed 's/.*/#include "&.cu"/' >"$work/all.cu"
"$nvcc" -std=c++17 -O3 -I"$sources" -arch="compute_$portable" -ptx "$work/all.cu" -o "$work/all.ptx"
images+=" --image3=kind=ptx,sm=$portable,file=$work/all.ptx"
# shellcheck disable=SC2086
"$(dirname "$(readlink -f "$nvcc")")/fatbinary" --64 --compress-all --create="$fatbin.tmp" $images
mv "$fatbin.tmp" "$fatbin"
echo "$made_of" >"$work/linked"
