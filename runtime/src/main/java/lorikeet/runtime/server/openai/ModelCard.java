package lorikeet.runtime.server.openai;

import org.jspecify.annotations.Nullable;

/**
 * A model as {@code /v1/models} lists it; beside OpenAI's fields those that SGLang and vLLM added.
 *
 * @param root where it was loaded from
 * @param parent the base model of an adapter
 * @param maxModelLen the most tokens of a prompt and its answer together
 */
record ModelCard(
        String id,
        String object,
        long created,
        String ownedBy,
        String root,
        @Nullable String parent,
        int maxModelLen) {}
