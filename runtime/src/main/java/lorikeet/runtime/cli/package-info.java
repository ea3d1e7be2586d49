/** The command line. */
@NullMarked
package lorikeet.runtime.cli;

import org.jspecify.annotations.NullMarked;
