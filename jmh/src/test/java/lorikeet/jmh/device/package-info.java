@NullMarked
package lorikeet.jmh.device;

import org.jspecify.annotations.NullMarked;
