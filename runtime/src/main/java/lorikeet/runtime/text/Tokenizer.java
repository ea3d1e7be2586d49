package lorikeet.runtime.text;

import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * Text to token ids and back, by the rules of a checkpoint's {@code tokenizer.json}.
 *
 * <p>The work is done by Hugging Face's own tokenizers (a native library, loaded on first use; see
 * {@code NativeLibraryFiles} for where it is looked for). Texts are never truncated or padded, whatever the file says.
 *
 * <p>Safe for use by several threads at once. Whoever opens a tokenizer closes it; a call that is under way when
 * another thread closes the tokenizer finishes first, later calls throw {@link IllegalStateException}.
 */
public final class Tokenizer implements AutoCloseable {
    /** The native regular expressions give up, and with them the process, at 10 million steps back in one match. */
    private static final int MOST_CHARACTERS = 8_000_000;

    private final TokenizersLibrary library;
    private final Vocabulary vocabulary;
    private final TokenizerConfig config;
    private final DecoderPlan decoder;
    private final boolean cleanUp;
    private final SpecialTokenFrame frame;
    private final ReadWriteLock lock = new ReentrantReadWriteLock();
    private long handle;

    private Tokenizer(
            TokenizersLibrary library, long handle, TokenizerFile file, TokenizerConfig config, boolean cleanUp) {
        this.library = library;
        this.handle = handle;
        this.vocabulary = file.vocabulary();
        this.config = config;
        this.cleanUp = cleanUp;
        this.decoder = cleanUp ? DecoderPlan.atTheEnd() : DecoderPlan.of(file.decoder());
        this.frame = SpecialTokenFrame.of(config, vocabulary, this::nativeIds);
    }

    /**
     * Opens the tokenizer of a checkpoint.
     *
     * @param folder holds {@code tokenizer.json} and, if there are any, {@code tokenizer_config.json} and {@code
     *     special_tokens_map.json}, spelled by Transformers 4 or 5
     * @throws TokenizerException if a file is missing or malformed, or the native library can't be loaded
     */
    public static Tokenizer open(Path folder) {
        TokenizerConfig config = TokenizerConfig.read(folder);
        Path path = folder.resolve(TokenizerFile.NAME);
        TokenizerFile file = TokenizerFile.read(path, config);
        TokenizersLibrary library = NativeTokenizers.library();
        long handle;
        try {
            handle = library.createTokenizerFromString(file.json());
        } catch (RuntimeException e) {
            throw new TokenizerException(path, "not a tokenizer that tokenizers 0.21 accepts: " + e.getMessage(), e);
        }
        // Transformers cleans up behind a BPE model only if told so in so many words: its spaces are meant.
        boolean cleanUp = config.cleanUpSpaces()
                && (config.cleanUpSpacesOfBpe() || !file.modelType().equals("BPE"));
        try {
            library.disableTruncation(handle);
            library.disablePadding(handle);
            return new Tokenizer(library, handle, file, config, cleanUp);
        } catch (RuntimeException e) {
            library.deleteTokenizer(handle);
            throw new TokenizerException(path, String.valueOf(e.getMessage()), e);
        }
    }

    /**
     * The token ids of a text. A special token written out in the text becomes that token.
     *
     * @param text up to 8 million characters; lone surrogates count as U+FFFD
     * @param addSpecialTokens whether to add what the tokenizer puts around a text, usually bos at its start. Leave it
     *     off for a rendered chat template, which holds its own.
     * @throws TokenizerException if the text is too long, or has something that the vocabulary can't express
     */
    public int[] encode(String text, boolean addSpecialTokens) {
        if (text.length() > MOST_CHARACTERS) {
            throw new TokenizerException(
                    "the text has " + text.length() + " characters; up to " + MOST_CHARACTERS + " are accepted", null);
        }
        String clean = Surrogates.replaceLone(text);
        return addSpecialTokens ? frame.encode(clean, this::nativeIds) : nativeIds(clean, false);
    }

    private int[] nativeIds(String text, boolean addSpecialTokens) {
        lock.readLock().lock();
        try {
            long encoding = library.encode(open(), text, addSpecialTokens);
            try {
                return Arrays.stream(library.getTokenIds(encoding))
                        .mapToInt(Math::toIntExact)
                        .toArray();
            } finally {
                library.deleteEncoding(encoding);
            }
        } catch (IllegalStateException e) {
            throw e;
        } catch (RuntimeException e) {
            throw new TokenizerException("the tokenizer can't encode this text: " + e.getMessage(), e);
        } finally {
            lock.readLock().unlock();
        }
    }

    /**
     * The text of token ids, as Transformers' {@code decode} gives it. Ids that no token has, as a padded embedding
     * matrix may yield, stand for nothing.
     *
     * @param ids none of them negative
     * @param skipSpecialTokens whether to leave special tokens out
     */
    public String decode(int[] ids, boolean skipSpecialTokens) {
        long[] wide = new long[ids.length];
        for (int i = 0; i < ids.length; i++) {
            wide[i] = checked(ids[i]);
        }
        String text;
        lock.readLock().lock();
        try {
            text = library.decode(open(), wide, skipSpecialTokens);
        } finally {
            lock.readLock().unlock();
        }
        return cleanUp ? SpaceCleanUp.apply(text) : text;
    }

    /** Starts to turn the ids of one output into text as they come; see {@link DecodeStream}. */
    public DecodeStream decodeStream(boolean skipSpecialTokens) {
        return decoder.stream(
                id -> {
                    String token = vocabulary.token(checked(id));
                    return token == null || (skipSpecialTokens && vocabulary.isSpecial(token)) ? null : token;
                },
                ids -> decode(ids, skipSpecialTokens));
    }

    /** The number of tokens, added ones included. The model's embedding may have more rows, for padding. */
    public int vocabularySize() {
        return vocabulary.size();
    }

    /** One more than the highest token id. */
    public int idLimit() {
        return vocabulary.idLimit();
    }

    /** The id of exactly this token, in the spelling of tokenizer.json. */
    public OptionalInt idOf(String token) {
        Integer id = vocabulary.id(token);
        return id == null ? OptionalInt.empty() : OptionalInt.of(id);
    }

    /** The token with this id, in the spelling of tokenizer.json; for its text use {@link #decode}. */
    public Optional<String> tokenOf(int id) {
        return Optional.ofNullable(vocabulary.token(id));
    }

    /** The ids of the special tokens: those that {@link #decode} can leave out. */
    public Set<Integer> specialIds() {
        return vocabulary.specialIds();
    }

    /** The named special tokens, such as {@code bos_token} and {@code eos_token}, with their texts. */
    public Map<String, String> specialTokens() {
        return config.specialTokens();
    }

    /** The id of the token that begins a text, if there is one. */
    public OptionalInt bosId() {
        return idOfNamed("bos_token");
    }

    /**
     * The id of the token that ends a text, if there is one. A model may end at others too: {@code
     * generation_config.json} lists them.
     */
    public OptionalInt eosId() {
        return idOfNamed("eos_token");
    }

    private OptionalInt idOfNamed(String name) {
        String token = config.specialTokens().get(name);
        return token == null ? OptionalInt.empty() : idOf(token);
    }

    /** Gives the native memory back. Closing again does nothing. */
    @Override
    public void close() {
        lock.writeLock().lock();
        try {
            if (handle != 0) {
                library.deleteTokenizer(handle);
                handle = 0;
            }
        } finally {
            lock.writeLock().unlock();
        }
    }

    /** The handle; the caller holds the lock. */
    private long open() {
        if (handle == 0) {
            throw new IllegalStateException("the tokenizer is closed");
        }
        return handle;
    }

    private static int checked(int id) {
        if (id < 0) {
            throw new IllegalArgumentException("negative token id: " + id);
        }
        return id;
    }
}
