/**
 * The part of Jinja that chat templates use: lexer, parser to a sealed tree, evaluator. A rendering is bounded in work,
 * output and depth, and reaches nothing outside its variables.
 */
@NullMarked
package lorikeet.runtime.text.jinja;

import org.jspecify.annotations.NullMarked;
