package lorikeet.runtime.text.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A macro, or a call block's body, in the scope that it was defined in.
 *
 * @param scope where its free names are looked up, at the time of the call
 */
record Macro(Stmt.MacroCode code, Scope scope, Interpreter interpreter) implements Callable {
    String name() {
        return code.name();
    }

    @Override
    public Object call(Arguments arguments) {
        Scope inner = new Scope(scope);
        Map<String, Object> named = new LinkedHashMap<>(arguments.named());
        Object caller = named.remove("caller");
        bind(inner, arguments.positional(), named);
        if (code.readsCaller()) {
            inner.set("caller", caller == null ? new Undefined("no caller defined") : caller);
        } else if (caller != null) {
            throw refused("keyword argument 'caller'");
        }
        return interpreter.render(code.body(), inner);
    }

    private void bind(Scope inner, List<Object> positional, Map<String, Object> named) {
        List<String> parameters = code.parameters();
        int firstDefault = parameters.size() - code.defaults().size();
        for (int i = 0; i < parameters.size(); i++) {
            String parameter = parameters.get(i);
            Object value;
            if (i < positional.size()) {
                value = positional.get(i);
                if (named.containsKey(parameter)) {
                    throw refused("two values for '" + parameter + "'");
                }
            } else if (named.containsKey(parameter)) {
                value = named.remove(parameter);
            } else if (i >= firstDefault) {
                value = interpreter.evaluate(code.defaults().get(i - firstDefault), inner);
            } else {
                value = new Undefined("parameter '" + parameter + "' was not provided");
            }
            inner.set(parameter, value);
        }
        if (code.readsExtraNamed()) {
            inner.set("kwargs", new LinkedHashMap<Object, Object>(named));
        } else if (!named.isEmpty()) {
            throw refused("keyword argument '" + named.keySet().iterator().next() + "'");
        }
        List<Object> rest = positional.subList(Math.min(parameters.size(), positional.size()), positional.size());
        if (code.readsExtraPositional()) {
            inner.set("varargs", Tuple.of(new ArrayList<>(rest)));
        } else if (!rest.isEmpty()) {
            throw refused("more than " + parameters.size() + " arguments");
        }
    }

    private Failure refused(String what) {
        return Failure.of("macro '" + code.name() + "' doesn't take " + what);
    }
}
