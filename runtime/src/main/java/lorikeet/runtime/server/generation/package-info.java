/** What the endpoints have in common: from a call's fields to requests, and from tokens to what is answered. */
@NullMarked
package lorikeet.runtime.server.generation;

import org.jspecify.annotations.NullMarked;
