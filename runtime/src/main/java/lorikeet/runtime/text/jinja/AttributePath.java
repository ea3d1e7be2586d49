package lorikeet.runtime.text.jinja;

import java.util.ArrayList;
import java.util.List;

/** The {@code attribute} of a filter: names and positions with dots between, each looked up as an entry first. */
record AttributePath(List<Object> keys) {
    static AttributePath of(Object attribute, Budget budget) {
        if (!(attribute instanceof String path)) {
            return new AttributePath(List.of(attribute));
        }
        budget.spend(path.length());
        List<Object> keys = new ArrayList<>();
        for (Object part : Text.split(path, ".", -1, budget)) {
            String key = (String) part;
            boolean position =
                    !key.isEmpty() && key.length() < 10 && key.chars().allMatch(PyChars::isDigit);
            keys.add(position ? (Object) Long.valueOf(key) : key);
        }
        return new AttributePath(keys);
    }

    Object get(Object value, Attributes attributes) {
        Object found = value;
        for (Object key : keys) {
            found = attributes.item(found, key);
        }
        return found;
    }
}
