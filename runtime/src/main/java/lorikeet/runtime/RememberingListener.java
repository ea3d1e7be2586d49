package lorikeet.runtime;

import org.jspecify.annotations.Nullable;

/** Passes everything on, and remembers what the other listener threw, for the thread that waits. */
final class RememberingListener implements TokenListener {
    private final TokenListener other;
    private volatile @Nullable Throwable thrown;

    RememberingListener(TokenListener other) {
        this.other = other;
    }

    @Override
    public boolean onToken(TokenEvent event) {
        try {
            return other.onToken(event);
        } catch (RuntimeException | Error e) {
            thrown = e;
            throw e;
        }
    }

    @Override
    public void onEnd(Answer answer) {
        other.onEnd(answer);
    }

    @Override
    public void onFailure(LorikeetException failure) {
        other.onFailure(failure);
    }

    /** Throws what the other listener threw, if it did. */
    void rethrow() {
        switch (thrown) {
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            case null, default -> {}
        }
    }
}
