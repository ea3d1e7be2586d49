package lorikeet.runtime.text;

/**
 * Turns the token ids of one output into text, piece by piece.
 *
 * <p>A piece never ends within a character, and text once given out never changes: what a later token could still alter
 * (the first bytes of a character, a run of byte tokens that may prove to be malformed) is held back. The pieces and
 * the rest that {@link #finish} gives, joined, are exactly what {@link Tokenizer#decode} makes of all ids. The cost of
 * an id doesn't depend on how many came before.
 *
 * <p>Where the tokenizer's decoder isn't one of the usual ones (byte-level; or pieces with a mark for spaces, with or
 * without byte fallback), everything is given out by {@link #finish}.
 *
 * <p>For one thread at a time. Needs no closing; it must not outlive its tokenizer.
 */
public interface DecodeStream {
    /** Takes the next id and returns the text that is now certain, often empty. */
    String push(int id);

    /** Ends the output and returns the rest of the text. No id may follow. */
    String finish();
}
