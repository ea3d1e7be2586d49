/** Loading, unloading, pinning and listing adapters on behalf of clients. */
@NullMarked
package lorikeet.runtime.server.adapters;

import org.jspecify.annotations.NullMarked;
