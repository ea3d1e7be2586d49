@NullMarked
package lorikeet.jmh;

import org.jspecify.annotations.NullMarked;
