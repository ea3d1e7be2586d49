package lorikeet.kernels.cuda;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import lorikeet.bindings.CudaContext;
import lorikeet.bindings.CudaModule;
import lorikeet.bindings.KernelLaunch;

/**
 * The compiled kernels, loaded into a context, with a launch for each that a step runs. The parameters are those of the
 * headers in src/main/cuda. Used by the thread that owns the device, except {@link #castF32}, {@link #castF16}
 * and {@link #moveBf16}, which make a launch for whoever asks.
 */
final class Kernels implements AutoCloseable {
    /** Threads of a block of the kernels that take a row. */
    static final int ROW_THREADS = 256;

    private static final String FATBIN = "lorikeet.fatbin";
    private static final MemoryLayout LORA = struct(LoraCall.BYTES);
    private static final MemoryLayout NORM = struct(NormWeight.BYTES);
    private static final MemoryLayout ROTATION = struct(Rotation.BYTES);
    private static final MemoryLayout MATVEC = struct(MatVec.BYTES);
    private static final MemoryLayout DECODE_PRODUCT = struct(DecodeProducts.BYTES);
    private static final MemoryLayout PROMPT_PRODUCT = struct(PromptProducts.BYTES);
    private static final MemoryLayout ATTENTION = struct(CudaAttention.BYTES);
    private static final MemoryLayout ENDING = struct(ProductEnding.BYTES);

    private final Arena arena = Arena.ofShared();
    private final CudaModule module;

    final KernelLaunch uploadStep;
    final KernelLaunch embed;
    final KernelLaunch rmsNorm;
    final KernelLaunch gatherOutputs;
    final KernelLaunch shrink;
    final KernelLaunch shrinkPrompt;
    final KernelLaunch shrinkShort;
    final KernelLaunch expandLogits;
    final KernelLaunch matvecTokens;
    final KernelLaunch matvecShrink;
    final KernelLaunch matvecOutputs;
    final KernelLaunch headReplaced;
    final KernelLaunch headTokenRows;
    final KernelLaunch samplerUpload;
    final KernelLaunch samplerScan;
    final KernelLaunch samplerWeigh;
    final KernelLaunch samplerNarrow;
    final KernelLaunch samplerChoose;
    final KernelLaunch samplerClear;
    final KernelLaunch samplerSee;
    final KernelLaunch samplerBias;
    final KernelLaunch samplerUnbias;
    final KernelLaunch gate;
    final KernelLaunch gateStaged;
    final KernelLaunch gatePrompt;
    final KernelLaunch rotateAndStore;
    final KernelLaunch rotatePrompt;
    final KernelLaunch addNorm;
    final KernelLaunch addNormPrompt;

    /** By rows, see {@link DecodeProducts}; those that need more shared memory than the device has are missing. */
    final KernelLaunch[] decodeProduct;

    /** The same with the adapters' shrink. */
    final KernelLaunch[] decodeProductShrink;

    /** Products of gate and up that finish them, see {@link FusedProjections}; with adapters all three are one kernel. */
    final Finishing productGate;

    /** The same of products of q, k and v, which turn and store them. */
    final Finishing productRotate;

    /** The same of products that are added to the residual. */
    final Finishing productAddNorm;

    /** Products that finish their projection, by rows; those that need more shared memory than the device has are missing. */
    static final class Finishing {
        private final KernelLaunch[] base;
        private final KernelLaunch[] adapted;

        Finishing(KernelLaunch[] base, KernelLaunch[] adapted) {
            this.base = base;
            this.adapted = adapted;
        }

        /** The one for a step's rows, with adapters or without. */
        KernelLaunch of(CurrentStep step) {
            return DecodeProducts.forRows(step.adapted() ? adapted : base, step.tokens());
        }
    }

    /** By rows of a tile, see {@link PromptProducts}; those that need more shared memory than the device has are missing. */
    final KernelLaunch[] promptProduct;

    /** By the sizes of heads that they are for, see {@link CudaAttention}. */
    final KernelLaunch[] attentionDecode;

    final KernelLaunch[] attentionPrompt;

    /** By the sizes of heads, see {@link InvariantAttention}. */
    final KernelLaunch[] invariantDecode;

    final KernelLaunch[] invariantPrompt;

    Kernels(CudaContext context) {
        module = load(context);
        uploadStep = module.kernel(arena, "upload_step", 0, JAVA_LONG, JAVA_LONG, JAVA_INT);
        // Not early: it is the first of a step, and reads what the upload brings.
        embed = module.kernel(
                arena, "embed", 0, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_INT);
        rmsNorm = kernel("rms_norm", JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_FLOAT, JAVA_INT, JAVA_LONG, JAVA_INT);
        gatherOutputs = kernel("gather_outputs", JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT);
        shrink = kernel("shrink", JAVA_LONG, LORA, JAVA_LONG);
        shrinkPrompt = kernel("shrink_prompt", PromptShared.MOST_SHRINK, JAVA_LONG, LORA, JAVA_LONG);
        shrinkShort = kernel("shrink_short", PromptShared.MOST_SHRINK_SHORT, JAVA_LONG, LORA, JAVA_LONG);
        expandLogits = kernel("expand_logits", JAVA_LONG, LORA, JAVA_LONG);
        matvecTokens = kernel("matvec_tokens", JAVA_LONG, MATVEC);
        matvecShrink = kernel("matvec_shrink", JAVA_LONG, MATVEC, LORA, JAVA_INT);
        matvecOutputs = kernel("matvec_outputs", JAVA_LONG, MATVEC);
        headReplaced = kernel("head_replaced", JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_INT);
        headTokenRows = kernel("head_token_rows", JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_INT);
        samplerUpload = kernel("sampler_upload", JAVA_LONG, JAVA_LONG, JAVA_INT);
        samplerScan = kernel("sampler_scan", JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT);
        samplerWeigh = kernel("sampler_weigh", JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT);
        samplerNarrow = kernel("sampler_narrow", JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT);
        samplerChoose = kernel(
                "sampler_choose",
                JAVA_LONG,
                JAVA_LONG,
                JAVA_LONG,
                JAVA_LONG,
                JAVA_LONG,
                JAVA_INT,
                JAVA_INT,
                JAVA_LONG,
                JAVA_LONG,
                JAVA_LONG);
        samplerClear = module.kernel(arena, "sampler_clear", 0, JAVA_LONG, JAVA_LONG);
        samplerSee = module.kernel(arena, "sampler_see", 0, JAVA_LONG, JAVA_LONG, JAVA_INT);
        samplerBias = module.kernel(arena, "sampler_bias", 0, JAVA_LONG, JAVA_LONG, JAVA_INT);
        samplerUnbias = module.kernel(arena, "sampler_unbias", 0, JAVA_LONG, JAVA_LONG, JAVA_INT);
        gate = kernel("gate", JAVA_LONG, LORA, JAVA_LONG, JAVA_LONG);
        gateStaged = kernel("gate_staged", JAVA_LONG, LORA, JAVA_LONG, JAVA_LONG);
        gatePrompt = kernel("gate_prompt", PromptShared.MOST_GATE, JAVA_LONG, LORA, JAVA_LONG, JAVA_LONG);
        rotateAndStore = kernel("rotate_and_store", JAVA_LONG, LORA, ROTATION, JAVA_LONG);
        rotatePrompt = kernel("rotate_prompt", JAVA_LONG, LORA, ROTATION, JAVA_LONG);
        attentionDecode = CudaAttention.DECODE_KERNELS.stream()
                .map(name -> kernel(name, JAVA_LONG, ATTENTION))
                .toArray(KernelLaunch[]::new);
        attentionPrompt = CudaAttention.PROMPT_SIZES.stream()
                .map(size -> kernel(
                        "attention_prompt_" + size,
                        CudaAttention.promptSharedBytes(size, context.device().capability()),
                        JAVA_LONG,
                        ATTENTION))
                .toArray(KernelLaunch[]::new);
        invariantDecode = invariantAttention("decode", InvariantAttention::decodeSharedBytes);
        invariantPrompt = invariantAttention("prompt", InvariantAttention::promptSharedBytes);
        decodeProduct =
                decodeProducts(context, "decode_product_", DecodeProducts::sharedBytes, JAVA_LONG, DECODE_PRODUCT);
        decodeProductShrink = decodeProducts(
                context, "decode_product_shrink_", DecodeProducts::shrinkSharedBytes, JAVA_LONG, DECODE_PRODUCT, LORA);
        KernelLaunch[] adapted = finishing(
                context,
                "product_adapted_",
                rows -> DecodeProducts.adaptedBytes(rows, context.device().sharedBytes()));
        productGate = new Finishing(finishing(context, "product_gate_", DecodeProducts::sharedBytes), adapted);
        productRotate =
                new Finishing(finishing(context, "product_rotate_", DecodeProducts::rotateSharedBytes), adapted);
        productAddNorm = new Finishing(finishing(context, "product_add_norm_", DecodeProducts::sharedBytes), adapted);
        promptProduct = PromptProducts.TILE_ROWS.stream()
                .filter(rows ->
                        PromptProducts.sharedBytes(rows) <= context.device().sharedBytes())
                .map(rows ->
                        kernel("prompt_product_" + rows, PromptProducts.sharedBytes(rows), JAVA_LONG, PROMPT_PRODUCT))
                .toArray(KernelLaunch[]::new);
        addNorm = kernel("add_norm", JAVA_LONG, LORA, NORM, JAVA_LONG, JAVA_LONG, JAVA_LONG);
        addNormPrompt = kernel(
                "add_norm_prompt",
                Math.min(PromptShared.MOST_ADD_NORM, context.device().sharedBytes()),
                JAVA_LONG,
                LORA,
                NORM,
                JAVA_LONG,
                JAVA_LONG,
                JAVA_LONG);
    }

    private static CudaModule load(CudaContext context) {
        try (InputStream in = Kernels.class.getResourceAsStream(FATBIN);
                Arena scratch = Arena.ofConfined()) {
            if (in == null) {
                throw new UnsupportedOperationException("this build of Lorikeet has no CUDA kernels");
            }
            MemorySegment image = scratch.allocateFrom(ValueLayout.JAVA_BYTE, in.readAllBytes());
            return context.module(image);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static MemoryLayout struct(long bytes) {
        return MemoryLayout.sequenceLayout(bytes / JAVA_LONG.byteSize(), JAVA_LONG);
    }

    private KernelLaunch[] invariantAttention(String kind, IntUnaryOperator sharedBytes) {
        return InvariantAttention.SIZES.stream()
                .map(size -> kernel(
                        "attention_invariant_" + kind + "_" + size, sharedBytes.applyAsInt(size), JAVA_LONG, ATTENTION))
                .toArray(KernelLaunch[]::new);
    }

    private KernelLaunch[] decodeProducts(
            CudaContext context, String name, IntUnaryOperator sharedBytes, MemoryLayout... parameters) {
        return IntStream.rangeClosed(1, DecodeProducts.MOST_ROWS / DecodeProducts.ROW_STEP)
                .map(i -> i * DecodeProducts.ROW_STEP)
                .filter(rows -> sharedBytes.applyAsInt(rows) <= context.device().sharedBytes())
                .mapToObj(rows -> kernel(name + rows, sharedBytes.applyAsInt(rows), parameters))
                .toArray(KernelLaunch[]::new);
    }

    private KernelLaunch[] finishing(CudaContext context, String name, IntUnaryOperator sharedBytes) {
        return decodeProducts(context, name, sharedBytes, JAVA_LONG, DECODE_PRODUCT, LORA, ENDING);
    }

    private KernelLaunch kernel(String name, MemoryLayout... parameters) {
        return kernel(name, 0, parameters);
    }

    private KernelLaunch kernel(String name, int sharedBytes, MemoryLayout... parameters) {
        return module.kernel(arena, name, sharedBytes, parameters).startEarly();
    }

    /** A launch of the cast from float32, owned by {@code owner}. */
    KernelLaunch castF32(Arena owner) {
        return module.kernel(owner, "cast_f32_to_bf16", 0, JAVA_LONG);
    }

    /** A launch of the cast from float16, owned by {@code owner}. */
    KernelLaunch castF16(Arena owner) {
        return module.kernel(owner, "cast_f16_to_bf16", 0, JAVA_LONG);
    }

    /** A launch that puts bf16 to its places, owned by {@code owner}. */
    KernelLaunch moveBf16(Arena owner) {
        return module.kernel(owner, "move_bf16", 0, JAVA_LONG);
    }

    @Override
    public void close() {
        module.close();
        arena.close();
    }
}
