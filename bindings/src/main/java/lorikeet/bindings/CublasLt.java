package lorikeet.bindings;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import lorikeet.bindings.cublaslt.CublasLtApi;
import lorikeet.bindings.cublaslt.cublasLtMatmulHeuristicResult_t;

/**
 * cuBLASLt for one context: products of bf16 matrices with float32 sums. Owns a handle and the memory that the products
 * work in, so they must all run in one stream. For one thread at a time.
 */
public final class CublasLt implements AutoCloseable {
    // As in the headers; see CudaStatus for why such numbers are written out.
    private static final int SUCCESS = 0;
    private static final int R_32F = 0;
    private static final int R_16BF = 14;
    private static final int COMPUTE_32F = 68;
    private static final int OP_T = 1;
    private static final int DESC_TRANSA = 3;
    private static final int PREF_MAX_WORKSPACE_BYTES = 1;

    private static final long WORKSPACE_BYTES = 64L << 20;

    private final Arena arena = Arena.ofShared();
    private final FoundLibrary found;
    private final MemorySegment handle;
    private final DeviceMemory workspace;
    private final List<CublasProduct.Shape> shapes = new ArrayList<>();
    private final MemorySegment one;
    private final MemorySegment zero;

    private CublasLt(FoundLibrary found, CudaContext context) {
        this.found = found;
        this.workspace = context.allocate(WORKSPACE_BYTES);
        this.handle = CudaContext.handle(out -> check(CublasLtApi.cublasLtCreate(out), "cublasLtCreate"));
        this.one = arena.allocateFrom(JAVA_FLOAT, 1);
        this.zero = arena.allocateFrom(JAVA_FLOAT, 0);
    }

    /** The library, to be looked for in the usual places of this machine. */
    public static NativeLibrary library() {
        return new NativeLibrary(
                "cuBLASLt",
                List.of("libcublasLt.so.13"),
                "cublasLtMatmul",
                "lorikeet.cuda.cublaslt",
                "cuBLAS 13",
                CudaFolders.usual(
                        System.getProperty("os.arch", ""), System.getProperty("user.home", ""), System.getenv()));
    }

    /**
     * Finds and loads the library, steered by this process's system properties. The caller closes the result before the
     * context.
     *
     * @throws LibraryNotFoundException if there is none, with all places that were looked at
     * @throws IllegalStateException if the one that was found can't be loaded
     */
    public static CublasLt open(CudaContext context) throws LibraryNotFoundException {
        FoundLibrary found = LibrarySearch.ofThisProcess().find(library());
        NativeLibraries.load(found);
        return new CublasLt(found, context);
    }

    /** The library's version, as {@code 13.1.1}, and its file. */
    public String describe() {
        long version = CublasLtApi.cublasLtGetVersion();
        return "cuBLASLt " + version / 10000 + "." + version / 100 % 100 + "." + version % 100 + " from "
                + found.file();
    }

    /**
     * Prepares the product {@code out = in Wᵀ} of row-major matrices, {@code in [rows, k]} and {@code W [n, k]} in bf16.
     *
     * @param floatOutput whether {@code out [rows, n]} is float32 instead of bf16
     * @param most how many algorithms to prepare, the one that the library thinks fastest first
     * @return at least one; they live as long as this
     */
    public List<CublasProduct> products(int rows, int n, int k, boolean floatOutput, int most) {
        MemorySegment description =
                make(out -> CublasLtApi.cublasLtMatmulDescCreate(out, COMPUTE_32F, R_32F), "cublasLtMatmulDescCreate");
        // Row-major [rows, cols] is column-major [cols, rows]: the library computes outᵀ = (Wᵀ)ᵀ inᵀ.
        CublasProduct.Shape shape = new CublasProduct.Shape(
                description,
                layout(R_16BF, k, n),
                layout(R_16BF, k, rows),
                layout(floatOutput ? R_32F : R_16BF, n, rows));
        shapes.add(shape);
        try (Arena scratch = Arena.ofConfined()) {
            MemorySegment transposed = scratch.allocateFrom(JAVA_INT, OP_T);
            check(
                    CublasLtApi.cublasLtMatmulDescSetAttribute(description, DESC_TRANSA, transposed, 4),
                    "cublasLtMatmulDescSetAttribute");
            MemorySegment found = arena.allocate(cublasLtMatmulHeuristicResult_t.layout(), most);
            int count = heuristic(scratch, shape, found, most);
            List<CublasProduct> products = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                MemorySegment result = cublasLtMatmulHeuristicResult_t.asSlice(found, i);
                if (cublasLtMatmulHeuristicResult_t.state(result) == SUCCESS) {
                    products.add(new CublasProduct(this, shape, cublasLtMatmulHeuristicResult_t.algo(result)));
                }
            }
            if (products.isEmpty()) {
                throw new IllegalStateException("cuBLASLt has no algorithm for the product of [" + rows + ", " + k
                        + "] and [" + n + ", " + k + "]");
            }
            return products;
        }
    }

    private int heuristic(Arena scratch, CublasProduct.Shape shape, MemorySegment found, int most) {
        MemorySegment preference = make(CublasLtApi::cublasLtMatmulPreferenceCreate, "cublasLtMatmulPreferenceCreate");
        try {
            MemorySegment bytes = scratch.allocateFrom(JAVA_LONG, WORKSPACE_BYTES);
            check(
                    CublasLtApi.cublasLtMatmulPreferenceSetAttribute(
                            preference, PREF_MAX_WORKSPACE_BYTES, bytes, Long.BYTES),
                    "cublasLtMatmulPreferenceSetAttribute");
            MemorySegment count = scratch.allocate(JAVA_INT);
            check(
                    CublasLtApi.cublasLtMatmulAlgoGetHeuristic(
                            handle,
                            shape.description(),
                            shape.weight(),
                            shape.in(),
                            shape.out(),
                            shape.out(),
                            preference,
                            most,
                            found,
                            count),
                    "cublasLtMatmulAlgoGetHeuristic");
            return count.get(JAVA_INT, 0);
        } finally {
            check(CublasLtApi.cublasLtMatmulPreferenceDestroy(preference), "cublasLtMatmulPreferenceDestroy");
        }
    }

    private MemorySegment layout(int type, long rows, long cols) {
        return make(
                out -> CublasLtApi.cublasLtMatrixLayoutCreate(out, type, rows, cols, rows),
                "cublasLtMatrixLayoutCreate");
    }

    void run(
            CublasProduct.Shape shape,
            MemorySegment algorithm,
            MemorySegment in,
            MemorySegment weight,
            MemorySegment out,
            MemorySegment stream) {
        int status = CublasLtApi.cublasLtMatmul(
                handle,
                shape.description(),
                one,
                weight,
                shape.weight(),
                in,
                shape.in(),
                zero,
                out,
                shape.out(),
                out,
                shape.out(),
                algorithm,
                workspace.segment(),
                WORKSPACE_BYTES,
                stream);
        check(status, "cublasLtMatmul");
    }

    /** A function of the library that writes a handle and returns a status. */
    private interface Creator {
        int create(MemorySegment out);
    }

    private static MemorySegment make(Creator creator, String operation) {
        return CudaContext.handle(out -> check(creator.create(out), operation));
    }

    @SuppressWarnings("restricted") // the library's strings carry no length
    private static void check(int status, String operation) {
        if (status != SUCCESS) {
            String name = CublasLtApi.cublasLtGetStatusName(status)
                    .reinterpret(Long.MAX_VALUE)
                    .getString(0);
            throw new IllegalStateException(operation + " failed: " + name + " (" + status + ")");
        }
    }

    /** Frees the handle and the workspace; what was prepared here must not be used any more. */
    @Override
    public void close() {
        for (CublasProduct.Shape shape : shapes) {
            check(CublasLtApi.cublasLtMatmulDescDestroy(shape.description()), "cublasLtMatmulDescDestroy");
            for (MemorySegment layout : List.of(shape.weight(), shape.in(), shape.out())) {
                check(CublasLtApi.cublasLtMatrixLayoutDestroy(layout), "cublasLtMatrixLayoutDestroy");
            }
        }
        check(CublasLtApi.cublasLtDestroy(handle), "cublasLtDestroy");
        workspace.close();
        arena.close();
    }
}
