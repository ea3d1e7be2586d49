package lorikeet.runtime.text;

import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Token ids and their texts, as tokenizer.json spells them. Immutable. */
final class Vocabulary {
    private final @Nullable String[] tokens;
    private final Map<String, Integer> ids;
    private final Set<String> special;
    private final Set<Integer> specialIds;

    private Vocabulary(@Nullable String[] tokens, Map<String, Integer> ids, Set<String> special) {
        this.tokens = tokens;
        this.ids = ids;
        this.special = special;
        Set<Integer> found = new HashSet<>();
        for (String token : special) {
            Integer id = ids.get(token);
            if (id != null) {
                found.add(id);
            }
        }
        this.specialIds = Collections.unmodifiableSet(found);
    }

    /**
     * Joins the model's own tokens and the added ones. An added token that the model lacks gets the next free id; the
     * id written beside it in the file plays no part (so does tokenizers' {@code AddedVocabulary::add_tokens}).
     */
    static Vocabulary of(Map<String, Integer> model, List<AddedToken> added) {
        Map<String, Integer> ids = new HashMap<>(model);
        Set<String> special = new HashSet<>();
        int highestAdded = -1;
        for (AddedToken token : added) {
            if (token.content().isEmpty()) {
                continue;
            }
            if (token.special()) {
                special.add(token.content());
            }
            Integer id = ids.get(token.content());
            if (id == null) {
                id = Math.max(model.size(), highestAdded + 1);
                ids.put(token.content(), id);
            }
            highestAdded = Math.max(highestAdded, id);
        }
        int highest = ids.values().stream().mapToInt(Integer::intValue).max().orElse(-1);
        @Nullable String[] tokens = new @Nullable String[highest + 1];
        ids.forEach((token, id) -> tokens[id] = token);
        return new Vocabulary(tokens, ids, special);
    }

    /** The number of different tokens. */
    int size() {
        return ids.size();
    }

    /** One more than the highest id. */
    int idLimit() {
        return tokens.length;
    }

    @Nullable
    String token(int id) {
        return id >= 0 && id < tokens.length ? tokens[id] : null;
    }

    @Nullable
    Integer id(String token) {
        return ids.get(token);
    }

    boolean isSpecial(String token) {
        return special.contains(token);
    }

    Set<Integer> specialIds() {
        return specialIds;
    }
}
