package lorikeet.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * Ten thousand adapters come, are used in one way or another, and go: nothing is left behind.
 *
 * <p>{@code -Dlorikeet.test.cycles} says how many else.
 */
@EnabledOnOs(value = OS.LINUX, disabledReason = "/proc tells what a process holds")
class AdapterLeakTest {
    private static final int CYCLES = Integer.getInteger("lorikeet.test.cycles", 10_000);
    private static final int CLIENTS = 8;

    @TempDir
    private Path temp;

    /** One life of an adapter; what comes of it depends on its number. */
    private void cycle(Lorikeet model, AdapterVariants variants, int number) throws Exception {
        String name = "adapter " + number;
        int variant = number % variants.count();
        Path folder = number % 11 == 3 ? damaged(variants, number) : variants.folder(variant);
        try (Adapter adapter = model.load(name, folder)) {
            Request request = AdapterVariants.request().adapter(name);
            switch (number % 11) {
                case 0 -> expect(variants.answer(variant), model.generate(request));
                case 1 -> model.submit(request, TokenListener.NONE).cancel();
                case 2 -> model.generate(request.choices(3).maxTokens(3));
                case 3 -> expectFailure(ErrorCode.INVALID_FILE, () -> truncateAndUse(model, folder, request));
                case 4 ->
                    expectFailure(
                            ErrorCode.NOT_FOUND,
                            () -> model.generate(List.of(request, request, request.adapter("missing"))));
                case 5 -> {
                    model.submit(request, TokenListener.NONE);
                    model.unload(name, new Unload.Now());
                }
                case 6 -> {
                    model.submit(request, TokenListener.NONE);
                    model.replace(name, variants.folder((variant + 1) % variants.count()));
                    model.unload(name, new Unload.Drain(false, Optional.empty()));
                }
                case 7 -> model.generate(List.of(request), event -> false);
                case 8 ->
                    expectFailure(ErrorCode.INTERNAL, () -> {
                        Generation generation = model.submit(request, event -> {
                            throw new IllegalStateException("a client that fails");
                        });
                        generation.await();
                    });
                case 9 ->
                    expectFailure(ErrorCode.NOT_FOUND, () -> model.load("other " + number, folder.resolve("missing")));
                default -> assertThat(adapter.activeRequests()).isZero();
            }
        } finally {
            if (number % 11 == 3) {
                Files.deleteIfExists(folder.resolve("adapter_model.safetensors"));
                Files.deleteIfExists(folder.resolve("adapter_config.json"));
                Files.deleteIfExists(folder);
            }
        }
    }

    private Path damaged(AdapterVariants variants, int number) throws IOException {
        Path folder = Files.createDirectories(temp.resolve("damaged " + number));
        for (String file : List.of("adapter_model.safetensors", "adapter_config.json")) {
            Files.copy(variants.folder(0).resolve(file), folder.resolve(file));
        }
        return folder;
    }

    private static void truncateAndUse(Lorikeet model, Path folder, Request request) throws IOException {
        try (FileChannel channel =
                FileChannel.open(folder.resolve("adapter_model.safetensors"), StandardOpenOption.WRITE)) {
            channel.truncate(100);
        }
        model.generate(request);
    }

    private static void expect(List<Integer> tokens, Answer answer) {
        assertThat(AdapterVariants.tokens(answer)).isEqualTo(tokens);
    }

    private interface Call {
        void run() throws Exception;
    }

    private static void expectFailure(ErrorCode code, Call call) throws Exception {
        try {
            call.run();
        } catch (LorikeetException e) {
            assertThat(e.code()).as(e.getMessage()).isEqualTo(code);
            return;
        }
        throw new AssertionError("it should have ended with " + code);
    }

    private void cycles(Lorikeet model, AdapterVariants variants, int from, int to) throws Exception {
        AtomicInteger next = new AtomicInteger(from);
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> clients = new ArrayList<>();
            for (int i = 0; i < CLIENTS; i++) {
                clients.add(threads.submit(() -> {
                    for (int number = next.getAndIncrement(); number < to; number = next.getAndIncrement()) {
                        cycle(model, variants, number);
                    }
                    return 0;
                }));
            }
            for (Future<?> client : clients) {
                client.get();
            }
        }
        assertThat(model.adapters()).isEmpty();
        // What was unloaded without waiting is still on its way out, and so may be a step whose texts have all ended.
        while (!model.drainingAdapters().isEmpty()
                || model.stats().running()
                                + model.stats().waiting()
                                + model.stats().kvBlocksUsed()
                        > 0) {
            Thread.onSpinWait();
        }
    }

    @Test
    @Timeout(value = 10, unit = TimeUnit.MINUTES)
    void tenThousandAdaptersLeaveNothing() throws Exception {
        AdapterVariants variants = new AdapterVariants(temp, 4);
        Options options = TestDevice.OPTIONS
                .threads(1)
                .poolBytes(12 * (2L << 20))
                .running(8)
                .stepTokens(64);
        try (Lorikeet model = Lorikeet.open(AdapterVariants.MODEL, options)) {
            cycles(model, variants, 0, CYCLES / 10);
            Held before = Held.now("adapter_model");
            cycles(model, variants, CYCLES / 10, CYCLES);
            Held after = Held.now("adapter_model");
            assertThat(after.mappedFiles()).isZero();
            assertThat(model.stats().poolBytesUsed()).isZero();
            assertThat(model.stats().kvBlocksUsed()).isZero();
            assertThat(model.stats().kvBlocksCached()).isZero();
            assertThat(after.descriptors()).isLessThanOrEqualTo(before.descriptors() + 2);
            assertThat(after.threads()).isLessThanOrEqualTo(before.threads() + 4);
            assertThat(after.residentKilobytes()).isLessThan(before.residentKilobytes() + 100_000);
        }
    }
}
