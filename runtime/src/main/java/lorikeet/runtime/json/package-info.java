/** Configuration files in JSON, read with errors that name file and field. */
@NullMarked
package lorikeet.runtime.json;

import org.jspecify.annotations.NullMarked;
