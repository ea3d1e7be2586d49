/** HTTP over the JDK's server: routes, keys, bounds on what clients may do, server-sent events. Knows no model. */
@NullMarked
package lorikeet.runtime.server.http;

import org.jspecify.annotations.NullMarked;
