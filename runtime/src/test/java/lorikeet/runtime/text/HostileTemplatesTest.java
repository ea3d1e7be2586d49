package lorikeet.runtime.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Templates are foreign code: whatever they try, a rendering ends, and soon. */
class HostileTemplatesTest {
    /** Far above what any of them takes, so that only one without end fails. */
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    private static final String MANY = "{% for i in range(100000) %}{% for j in range(100000) %}";
    private static final String END = "{% endfor %}{% endfor %}";
    private static final String LONG = "{% set s = 'é🦜' * 5000000 %}";
    private static final String TWINS = "{% set ns = namespace(a=[1], b=[1]) %}{% for i in range(64) %}"
            + "{% set ns.a = [ns.a, ns.a] %}{% set ns.b = [ns.b, ns.b] %}{% endfor %}";

    static Stream<String> templates() {
        return Stream.of(
                // Endless in practice.
                MANY + END,
                MANY + "x" + END,
                LONG + MANY + "{% set x = s[0] %}" + END,
                LONG + MANY + "{% set x = s | length %}" + END,
                LONG + MANY + "{% set x = s.isalpha %}" + END,
                LONG + MANY + "{% for c in s %}{% break %}{% endfor %}" + END,
                LONG + MANY + "{% set x = s | wordcount %}" + END,
                LONG + MANY + "{% set x = 'x' | map(attribute=s) %}" + END,
                LONG + MANY + "{% set x = {}[s] %}" + END,
                LONG + MANY + "{% set x = strftime_now(s) %}" + END,
                "{% set l = range(100000) | list %}" + MANY + "{% set x = l.copy() %}" + END,
                "{% set l = range(100000) | list %}" + MANY + "{% set x = l.count(1) %}" + END,
                "{% set l = range(100000) | list %}" + MANY + "{% set x = -1 is in l %}" + END,
                "{% set l = range(100000) | list %}{% macro f() %}{{ varargs | first }}{% endmacro %}" + MANY
                        + "{{ f(*l) }}" + END,
                "{% set d = dict(range(100000) | map('string') | batch(2) | list) %}" + MANY + "{% set x = dict(d) %}"
                        + END,
                "{% set d = dict(range(100000) | map('string') | batch(2) | list) %}" + MANY + "{% set x = d.items() %}"
                        + END,
                // Dear operations.
                MANY + "{% set x = 3 ** 10000 %}" + END,
                "{% set b = 3 ** 10000 %}" + MANY + "{% set x = b % 7 %}" + END,
                "{% set b = 3 ** 10000 %}" + MANY + "{% set x = b / 7 %}" + END,
                MANY + "{% set x = 1.1 | round(300) %}" + END,
                "{% set s = 'a' * 20000000 %}{{ s.find('a' * 10000000 ~ 'b') }}{{ s.find('x') }}"
                        + "{{ s.rfind('b' ~ 'a' * 10000000) }}{{ raise_exception('survived') }}",
                "{% set s = 'a' * 20000000 %}{{ ('a' * 10000000 ~ 'b') in s }}{{ raise_exception('survived') }}",
                "{{ ('a' * 20000000).strip('b' * 10000000 ~ 'a') }}{{ raise_exception('survived') }}",
                "{{ ('a ' * 20000000).split(none, 10000000) | length }}",
                "{{ ('a ' * 20000000).rsplit(none, 10000000) | length }}",
                "{{ ('a ' * 20000000).rsplit(' ') | length }}",
                "{{ ('<!--' * 10000000) | striptags | length }}{{ raise_exception('survived') }}",
                "{{ ('<' * 20000000) | striptags | length }}{{ raise_exception('survived') }}",
                TWINS + "{{ ns.a == ns.b }}",
                TWINS + "{{ ns.a < ns.b }}",
                TWINS + "{{ ns.a in [ns.b] }}",
                TWINS + "{{ [ns.a].count(ns.b) }}",
                TWINS + "{{ ns.a is eq(ns.b) }}",
                TWINS + "{{ ns.a }}",
                TWINS + "{{ ns.a | tojson }}",
                "{% set ns = namespace(t=(1, 2)) %}{% for i in range(64) %}{% set ns.t = (ns.t, ns.t) %}{% endfor %}"
                        + "{{ {ns.t: 1} }}",
                // Large things.
                "{{ range(1000000000000) }}",
                "{{ 'x' * 9999999999 }}",
                "{{ [0] * 9999999999 }}",
                "{{ 9 ** 99999 }}",
                "{{ 'x' | center(999999999) }}",
                "{{ 'x'.ljust(999999999) }}{{ 'x'.zfill(999999999) }}",
                "{{ '\\t'.expandtabs(999999999) }}",
                "{{ 'x' | indent(999999999, true) }}",
                "{{ '%999999999d' % 1 }}",
                "{{ '%.999999999f' % 1 }}",
                "{{ [[1]] | tojson(indent=999999999) }}",
                "{{ [1] | batch(999999999, 0) | list }}",
                "{{ [1] | slice(999999999, 0) | list }}",
                "{{ ('x' * 60000000) | list | length }}{{ ('x' * 60000000) | list | length }}",
                "{% set ns = namespace(s='x') %}{% for i in range(64) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
                "{% set ns = namespace(s='x') %}{% for i in range(64) %}{% set ns.s = ns.s | replace('x', 'xx') %}{% endfor %}",
                "{% set ns = namespace(l=[1]) %}{% for i in range(64) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
                "{% set ns = namespace(l=[1]) %}{% for i in range(64) %}{% set ns.l = (ns.l | list) * 2 %}{% endfor %}",
                // Deep things.
                "{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}",
                "{% macro f() %}{{ caller() }}{% endmacro %}{% macro g() %}{% call f() %}{{ g() }}{% endcall %}{% endmacro %}{{ g() }}",
                "{% for x in [[1]] recursive %}{{ loop([x]) }}{% endfor %}",
                "{% set ns = namespace(l=[]) %}{% for i in range(99999) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l }}",
                "{% set ns = namespace(l=[], m=[]) %}{% for i in range(99999) %}{% set ns.l = [ns.l] %}"
                        + "{% set ns.m = [ns.m] %}{% endfor %}{{ ns.l == ns.m }}",
                "{% set ns = namespace(t=()) %}{% for i in range(99999) %}{% set ns.t = (ns.t,) %}{% endfor %}{{ {ns.t: 1} }}",
                "{{ " + "(".repeat(100_000) + "1" + ")".repeat(100_000) + " }}",
                "{{ " + "1 + ".repeat(100_000) + "1 }}",
                "{{ " + "not ".repeat(100_000) + "1 }}",
                "{{ " + "-".repeat(100_000) + "1 }}",
                "{{ " + "[".repeat(100_000) + "]".repeat(100_000) + " }}",
                "{{ x" + ".y".repeat(100_000) + " }}",
                "{{ 'x'" + " | upper".repeat(100_000) + " }}",
                "{{ 1" + " if 1 else 1".repeat(100_000) + " }}",
                "{{ 2" + " ** 1".repeat(100_000) + " }}",
                "{% if 1 %}".repeat(100_000),
                "{% if 0 %}" + "{% elif 0 %}".repeat(100_000));
    }

    @ParameterizedTest
    @MethodSource("templates")
    void endsWithAnException(String template) {
        ChatTemplateException e = assertTimeoutPreemptively(
                PATIENCE,
                () -> catchThrowableOfType(
                        ChatTemplateException.class,
                        () -> ChatTemplate.of(template, Map.of()).render(List.of(), ChatOptions.of(true))));
        assertThat(e).isNotNull();
        boolean survived = template.contains("survived");
        assertThat(e.kind())
                .satisfiesAnyOf(
                        kind -> assertThat(kind).isEqualTo(ChatTemplateException.Kind.LIMIT),
                        kind -> assertThat(survived && kind == ChatTemplateException.Kind.REFUSED)
                                .isTrue(),
                        kind -> assertThat(template.length() > 10_000 && kind == ChatTemplateException.Kind.SYNTAX)
                                .isTrue());
    }
}
