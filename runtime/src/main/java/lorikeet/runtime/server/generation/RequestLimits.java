package lorikeet.runtime.server.generation;

/**
 * What one call may ask for.
 *
 * @param prompts the most prompts
 * @param choices the most continuations of a prompt
 * @param contextTokens the most tokens of a prompt and its continuation together
 * @param vocabulary the number of tokens that there are
 */
public record RequestLimits(int prompts, int choices, int contextTokens, int vocabulary) {}
