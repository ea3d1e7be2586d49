package lorikeet.kernels.cuda;

import java.lang.foreign.Arena;
import java.util.IdentityHashMap;
import java.util.List;
import lorikeet.kernels.Linear;
import lorikeet.kernels.Projection;

/** The model's projections, and its head, as the kernels take them: each described once. */
final class LoraCalls implements AutoCloseable {
    private final Arena arena = Arena.ofShared();
    private final IdentityHashMap<Projection, LoraCall> calls = new IdentityHashMap<>();
    private final IdentityHashMap<Linear, LoraCall> heads = new IdentityHashMap<>();

    LoraCall of(Projection projection) {
        LoraCall call = calls.get(projection);
        if (call == null) {
            call = new LoraCall(arena, projection.parts(), false);
            calls.put(projection, call);
        }
        return call;
    }

    LoraCall ofHead(Linear head) {
        LoraCall call = heads.get(head);
        if (call == null) {
            call = new LoraCall(arena, List.of(head), true);
            heads.put(head, call);
        }
        return call;
    }

    @Override
    public void close() {
        arena.close();
    }
}
