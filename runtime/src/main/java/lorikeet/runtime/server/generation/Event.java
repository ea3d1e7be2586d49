package lorikeet.runtime.server.generation;

import lorikeet.runtime.Answer;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.TokenEvent;

/** What happened to one of a call's prompts. */
public sealed interface Event {
    /** A token of one of its choices. */
    record Token(int prompt, TokenEvent event) implements Event {}

    /** It is done; no more events of this prompt. */
    record Done(int prompt, Answer answer) implements Event {}

    /** It failed; no more events of this prompt. */
    record Failed(int prompt, LorikeetException failure) implements Event {}
}
