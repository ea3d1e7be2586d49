package lorikeet.jmh.device;

import lorikeet.kernels.Batch;
import lorikeet.kernels.KvCache;
import lorikeet.kernels.Sampler;
import lorikeet.memory.Matrix;
import lorikeet.runtime.engine.Device;

/** A model of random weights as an engine's device. */
record DecoderDevice(RandomDecoder decoder, boolean looksAhead) implements Device {
    @Override
    public Matrix run(Batch batch, KvCache cache) {
        return decoder.run(batch, cache);
    }

    @Override
    public Sampler sampler() {
        return decoder.operations().sampler();
    }

    @Override
    public void await() {
        decoder.operations().await();
    }

    @Override
    public void read(Matrix logits, int row, float[] to) {
        decoder.operations().read(logits, row, to);
    }

    @Override
    public void checkFiles() {
        // There are none.
    }
}
