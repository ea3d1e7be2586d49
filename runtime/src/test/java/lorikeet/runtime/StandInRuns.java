package lorikeet.runtime;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import lorikeet.kernels.SamplingSettings;

/**
 * A program that serves on a GPU which only keeps account of what is asked of it: what is computed is of no use, but all
 * that the host does for it is done. Fails if the driver would not have forgiven something, or something stays open.
 */
final class StandInRuns {
    private static final long PLENTY = 1L << 30;
    private static final long POOL_BYTES = 64L << 20;
    private static final int LIMITS = 80;

    /** Room for two or three adapters beside some texts. */
    private static final long FEW_SLABS = 16L << 20;

    private static final int ADAPTERS = 12;
    private static final int CLIENTS = 6;
    private static final int CALLS = 100;

    private final StandIn driver;
    private final Path set;
    private final SplittableRandom random;

    private StandInRuns(StandIn driver, Path set, long seed) {
        this.driver = driver;
        this.set = set;
        this.random = new SplittableRandom(seed);
    }

    /** The arguments: the stand-in's file, a set of a model and adapters of small and large rank, and a seed. */
    public static void main(String[] args) throws Exception {
        StandInRuns runs = new StandInRuns(StandIn.use(Path.of(args[0])), Path.of(args[1]), Long.parseLong(args[2]));
        if (!runs.hasKernels()) {
            System.out.println("no kernels");
            return;
        }
        runs.serves();
        runs.choosesKernelsByTheOption();
        runs.storms();
        runs.copiesWhatIsNotRegistered();
        runs.isFullForAWhile();
        runs.opensOrSaysWhyNot();
        System.out.println("all is well");
    }

    private Lorikeet open(DeviceChoice device) {
        return Lorikeet.open(
                set.resolve("model"), Options.DEFAULT.device(device).poolBytes(POOL_BYTES));
    }

    /** Whether this build has any: where there is no nvcc it has none. */
    private boolean hasKernels() {
        try (Lorikeet model = open(new DeviceChoice.Cuda(-1))) {
            return !model.device().isEmpty();
        } catch (LorikeetException e) {
            if (String.valueOf(e.getMessage()).contains("no CUDA kernels")) {
                return false;
            }
            throw e;
        }
    }

    private Path adapter(String name) {
        return set.resolve("adapters").resolve(name);
    }

    private static void check(boolean right, String what) {
        if (!right) {
            throw new AssertionError(what);
        }
    }

    private void checkClosed(String when) {
        check(driver.mistakes() == 0, driver.mistakes() + " mistakes " + when);
        check(driver.open() == 0, driver.open() + " objects are open " + when);
        check(driver.used() == 0, driver.used() + " bytes are allocated " + when);
    }

    private Request request() {
        return Request.tokens(random.ints(random.nextInt(1, 30), 3, 60).boxed().toList())
                .maxTokens(random.nextInt(1, 30))
                .ignoreEnd(true);
    }

    private Request requestOfSomeKind() {
        return switch (random.nextInt(6)) {
            case 0 -> request().sampling(SamplingSettings.GREEDY.withPenalties(1.1f, 0.5f, 0.5f));
            case 1 -> request().choices(3);
            case 2 -> request().promptLogProbs(1, 2);
            default -> request();
        };
    }

    /** Requests of all kinds, for adapters that come, are replaced, and go. */
    private void serves() throws Exception {
        long behind = driver.leftBehind();
        long replays = driver.replays();
        try (Lorikeet model = open(new DeviceChoice.Cuda(-1))) {
            model.load("small", adapter("all-r1"));
            for (int round = 0; round < 30; round++) {
                if (round == 10) {
                    model.load("large", adapter("attention-r96"));
                }
                List<Generation> running = new ArrayList<>();
                for (int i = random.nextInt(1, 40); i > 0; i--) {
                    Request request = requestOfSomeKind();
                    running.add(model.submit(
                            switch (random.nextInt(3)) {
                                case 0 -> request;
                                case 1 -> request.adapter("small");
                                default -> round < 10 ? request : request.adapter("large");
                            },
                            TokenListener.NONE));
                }
                model.replace("small", adapter(round % 2 == 0 ? "least-keys" : "all-r1"));
                if (random.nextBoolean()) {
                    running.getFirst().cancel();
                }
                for (Generation generation : running.subList(1, running.size())) {
                    generation.await();
                }
            }
            model.unload("large", new Unload.Drain(false, Optional.of(Duration.ofSeconds(10))));
        }
        check(driver.replays() > replays + 50, "only " + (driver.replays() - replays) + " steps were replayed");
        check(driver.leftBehind() == behind, driver.leftBehind() - behind + " objects were left behind");
        checkClosed("after serving");
    }

    /** Prompts and decodes, long and short, with and without adapters, recorded or not. */
    private void choosesKernelsByTheOption() {
        for (boolean batchInvariant : new boolean[] {false, true}) {
            long before = driver.batchDependent();
            long finishing = driver.finishingProducts();
            long turning = driver.turningProducts();
            long turningAdapted = driver.turningAdaptedProducts();
            try (Lorikeet model = Lorikeet.open(
                    set.resolve("model"),
                    Options.DEFAULT
                            .device(new DeviceChoice.Cuda(-1))
                            .batchInvariant(batchInvariant)
                            .poolBytes(POOL_BYTES))) {
                check(model.device().contains("batch-invariant") == batchInvariant, model.device());
                model.load("small", adapter("all-r1"));
                for (int count : new int[] {1, 1, 1, 7, 40, 64}) {
                    List<Request> requests = new ArrayList<>();
                    for (int i = 0; i < count; i++) {
                        requests.add(i % 2 == 0 ? request() : request().adapter("small"));
                    }
                    requests.add(Request.tokens(random.ints(400, 3, 60).boxed().toList())
                            .maxTokens(5)
                            .adapter("small"));
                    model.generate(requests);
                }
            }
            long dependent = driver.batchDependent() - before;
            check(dependent == 0 == batchInvariant, dependent + " launches that depend on the batch");
            finishing = driver.finishingProducts() - finishing;
            check(finishing == 0 == batchInvariant, finishing + " products that finish a projection");
            check(driver.turningProducts() == turning == batchInvariant, "whether products turn heads");
            check(driver.turningAdaptedProducts() == turningAdapted == batchInvariant, "whether they do with adapters");
            checkClosed("after choosing kernels");
        }
    }

    /** Several clients at once, and more adapters than there are slabs for. */
    private void storms() throws Exception {
        try (Lorikeet model = Lorikeet.open(
                set.resolve("model"),
                Options.DEFAULT.device(new DeviceChoice.Cuda(-1)).poolBytes(FEW_SLABS))) {
            List<String> folders = List.of("all-r1", "attention-r96", "least-keys");
            for (int i = 0; i < ADAPTERS; i++) {
                model.load("adapter " + i, adapter(folders.get(i % folders.size())));
            }
            try (ExecutorService clients = Executors.newFixedThreadPool(CLIENTS)) {
                List<Future<?>> ends = new ArrayList<>();
                for (int i = 0; i < CLIENTS; i++) {
                    SplittableRandom own = random.split();
                    ends.add(clients.submit(() -> storm(model, own, folders)));
                }
                for (Future<?> end : ends) {
                    end.get();
                }
            }
        }
        checkClosed("after a storm");
    }

    private void storm(Lorikeet model, SplittableRandom own, List<String> folders) {
        for (int i = 0; i < CALLS; i++) {
            String name = "adapter " + own.nextInt(ADAPTERS);
            Request request = Request.tokens(List.of(3, 4, own.nextInt(5, 50)))
                    .maxTokens(own.nextInt(1, 20))
                    .adapter(name);
            switch (own.nextInt(5)) {
                case 0 -> replace(model, name, adapter(folders.get(own.nextInt(folders.size()))));
                case 1 -> model.submit(request, TokenListener.NONE).cancel();
                default -> model.generate(request);
            }
        }
    }

    private static void replace(Lorikeet model, String name, Path folder) {
        try {
            model.replace(name, folder);
        } catch (LorikeetException e) {
            check(e.code() == ErrorCode.ALREADY_LOADED, "neither replaced nor being replaced by another: " + e);
        }
    }

    private void copiesWhatIsNotRegistered() {
        System.setProperty("lorikeet.cuda.register", "false");
        try (Lorikeet model = open(new DeviceChoice.Cuda(-1))) {
            model.load("large", adapter("attention-r96"));
            model.generate(request().adapter("large"));
        } finally {
            System.clearProperty("lorikeet.cuda.register");
        }
        checkClosed("after copies from memory that isn't registered");
    }

    /** Another process takes all memory: what is there goes on, what needs more is refused, and works when there is more. */
    private void isFullForAWhile() {
        try (Lorikeet model = open(new DeviceChoice.Cuda(-1))) {
            model.load("small", adapter("all-r1"));
            model.generate(request().adapter("small"));
            model.load("large", adapter("attention-r96"));
            driver.limit(driver.used());
            expectNoRoom(() -> model.generate(request().adapter("large")));
            driver.limit(driver.used()); // what that request gave back isn't free again
            expectNoRoom(() ->
                    model.generate(request().choices(60).sampling(SamplingSettings.GREEDY.withPenalties(1, 0.5f, 0))));
            model.generate(request().adapter("small"));
            model.generate(request());
            driver.limit(PLENTY);
            model.generate(request().adapter("large"));
            model.generate(request().choices(60).sampling(SamplingSettings.GREEDY.withPenalties(1, 0.5f, 0)));
        } finally {
            driver.limit(PLENTY);
        }
        checkClosed("after a while without memory");
    }

    private static void expectNoRoom(Runnable action) {
        try {
            action.run();
        } catch (LorikeetException e) {
            check(e.code() == ErrorCode.NO_ROOM, "not refused for lack of room: " + e);
            return;
        }
        throw new AssertionError("there was room");
    }

    /** Whatever memory there is, the model opens and answers, or says that there isn't enough. */
    private void opensOrSaysWhyNot() {
        int answered = 0;
        for (int i = 0; i < LIMITS; i++) {
            driver.limit((320L << 20) * i / LIMITS);
            try (Lorikeet model = open(new DeviceChoice.Cuda(-1))) {
                model.generate(request());
                answered++;
            } catch (LorikeetException e) {
                check(e.code() == ErrorCode.NO_ROOM, "not refused for lack of room: " + e);
            }
            checkClosed("after opening with little memory");
        }
        check(answered > 0 && answered < LIMITS, answered + " of " + LIMITS + " were answered");
        driver.limit(0);
        try (Lorikeet model = open(DeviceChoice.AUTO)) {
            check(model.device().contains("no GPU"), model.device());
            model.generate(request());
        }
        checkClosed("after falling back to the CPU");
    }
}
