#!/bin/bash
# Compiles the CUDA sources into one fatbin: machine code for each architecture, and PTX for those still to come.
#
#   build-cuda.sh SOURCES WORK FATBIN
#
# Writes WORK/resources.txt (registers, shared memory and spills of every kernel) and fails if a kernel spills. Without
# nvcc it says so and succeeds.
#
# All sources are compiled as one, so that there is one module to load; their helpers need names of their own.
# (Compiling them apart and linking them costs registers: ptxas then doesn't know how much shared memory a kernel has.)
# What was compiled is kept by a hash of the sources in ~/.cache/lorikeet/cuda, for other checkouts too; what wasn't used
# for two weeks is deleted.
set -euo pipefail
sources=$1 work=$2 fatbin=$3

targets='sm_80 sm_86 sm_89 sm_90a sm_100 sm_120 compute_100' # the last one is the PTX
flags='-std=c++17 -O3 -Werror all-warnings -Xptxas=-v'

find_nvcc() {
    command -v nvcc && return
    local home
    for home in "${CUDA_HOME:-}" /usr/local/cuda; do
        [ -n "$home" ] && [ -x "$home/bin/nvcc" ] && echo "$home/bin/nvcc" && return
    done
    return 1
}

# compile TARGET: WORK/TARGET.bin, and what the compiler said in WORK/TARGET.log.
compile() {
    local target=$1 kind=-cubin
    [ "$target" = "${target#compute}" ] || kind=-ptx
    # shellcheck disable=SC2086
    "$nvcc" $flags -I"$sources" -gencode=arch="compute_${target#*_},code=$target" $kind "$work/all.cu" \
        -o "$work/$target.bin" >"$work/$target.log" 2>&1 || { cat "$work/$target.log" >&2; exit 1; }
}

# The compiler's reports as a table.
report() {
    echo 'machine kernel registers shared_bytes stack_bytes spill_bytes'
    awk '
        /Compiling entry function/ { split($0, quoted, "\047"); kernel = quoted[2]; machine = quoted[4] }
        /bytes stack frame/ { stack = $1; spill = $5 + $9 }
        /Used [0-9]+ registers/ {
            shared = 0
            for (i = 2; i <= NF; i++) {
                if ($i ~ /^registers/) registers = $(i - 1)
                if ($i ~ /^smem/) shared = $(i - 2)
            }
            print machine, kernel, registers, shared, stack, spill
        }' "$@"
}

# Compiles what isn't kept, two architectures at a time: a process may take a gigabyte.
build() {
    local target images=''
    for name in $(basename -a "$sources"/*.cu); do echo "#include \"$name\""; done >"$work/all.cu"
    echo "$targets" | tr ' ' '\n' | xargs -P 2 -I{} bash -c 'compile {}'
    for target in $targets; do
        case $target in
        sm_*) images+=" --image3=kind=elf,sm=${target#*_},file=$work/$target.bin" ;;
        *) images+=" --image3=kind=ptx,sm=${target#*_},file=$work/$target.bin" ;;
        esac
    done
    report "$work"/sm_*.log >"$work/resources.txt"
    if awk 'NR > 1 && $6 > 0' "$work/resources.txt" | grep . >&2; then
        echo "These kernels spill registers (columns: $(head -1 "$work/resources.txt"))." >&2
        return 1
    fi
    # shellcheck disable=SC2086
    "$(dirname "$(readlink -f "$nvcc")")/fatbinary" --64 --compress-all --compress-mode=size --create="$kept.tmp" $images
    cp "$work/resources.txt" "$kept.txt"
    mv "$kept.tmp" "$kept.fatbin"
}

if ! nvcc=$(find_nvcc); then
    echo "No nvcc on the PATH, in CUDA_HOME or in /usr/local/cuda: built without the CUDA kernels."
    exit 0
fi
export nvcc sources work flags
export -f compile

key=$({ cat "$0"; "$nvcc" --version; tail -n +1 "$sources"/*.cu "$sources"/*.cuh | sed "s|$sources/||"; } | sha256sum)
key=${key%% *}
[ "$(cat "$work/key" 2>/dev/null)" != "$key" ] || [ ! -f "$fatbin" ] || exit 0

cache=${XDG_CACHE_HOME:-$HOME/.cache}/lorikeet/cuda
mkdir -p "$work" "$cache" "$(dirname "$fatbin")"
find "$cache" -type f -mtime +14 -delete
kept=$cache/$key
{
    flock 9 # another checkout may be compiling the same
    [ -f "$kept.fatbin" ] || build
    touch "$kept.fatbin" "$kept.txt"
    cp "$kept.txt" "$work/resources.txt"
    cp "$kept.fatbin" "$fatbin"
} 9>"$kept.lock"
echo "$key" >"$work/key"
