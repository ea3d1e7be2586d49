#!/bin/sh
# Regenerates src/generated/java from NVIDIA's headers. Run it after changing an include list, and commit what it writes.
#
#   JEXTRACT      a jextract that emits code for Java 22 (https://github.com/openjdk/jextract); default: jextract
#   CUDA_INCLUDE  the folder with the headers of CUDA 13; default: /usr/local/cuda/include
#   CUBLAS_INCLUDE  the folder with those of cuBLAS 13; default: CUDA_INCLUDE
set -eu
cd "$(dirname "$0")"

jextract=${JEXTRACT:-jextract}
include=${CUDA_INCLUDE:-/usr/local/cuda/include}
cublas_include=${CUBLAS_INCLUDE:-$include}

version=$(sed -n 's/^#define CUDA_VERSION \([0-9]*\).*/\1/p' "$include/cuda.h")
case $version in
    13???) ;;
    *) echo "generate.sh: $include/cuda.h has CUDA_VERSION '$version', 13000 to 13999 is accepted" >&2; exit 1 ;;
esac

cublas_version=$(sed -n 's/^#define CUBLAS_VER_MAJOR \([0-9]*\).*/\1/p' "$cublas_include/cublas_api.h")
if [ "$cublas_version" != 13 ]; then
    echo "generate.sh: $cublas_include/cublas_api.h is of cuBLAS '$cublas_version', 13 is accepted" >&2
    exit 1
fi

# bind HEADER CLASS INCLUDES PACKAGE: the functions, types and constants named in INCLUDES, nothing else.
# No library is named: the generated code looks symbols up among the libraries that its class loader has loaded,
# so it uses the file that LibrarySearch found and NativeLibraries loaded.
bind() {
    new=$(mktemp -d)
    "$jextract" --include-dir "$include" --include-dir "$cublas_include" --target-package "$4" --header-class-name "$2" --output "$new" \
        "@src/generated/$3" "$1"
    folder=$(echo "$4" | tr . /)
    if grep -rqF 'SYMBOL_LOOKUP.findOrThrow' "$new"; then
        echo "generate.sh: $jextract emits code for Java 23 or newer; one that emits code for Java 22 is needed" >&2
        exit 1
    fi
    if grep -rqF '(unnamed at ' "$new"; then
        # clang 16 changed the spelling of unnamed structs, which a jextract of that age takes for a name.
        echo "generate.sh: $jextract misreads unnamed structs; build it with libclang 13 to 15" >&2
        exit 1
    fi
    rm -rf "src/generated/java/$folder"
    mkdir -p "src/generated/java/$folder"
    mv "$new/$folder"/*.java "src/generated/java/$folder/"
    rm -rf "$new"
}

bind "$include/cuda.h" CudaDriverApi cuda.includes lorikeet.bindings.cuda
bind "$cublas_include/cublasLt.h" CublasLtApi cublaslt.includes lorikeet.bindings.cublaslt
