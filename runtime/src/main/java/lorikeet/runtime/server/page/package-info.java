/** The page that a person sees. */
@NullMarked
package lorikeet.runtime.server.page;

import org.jspecify.annotations.NullMarked;
