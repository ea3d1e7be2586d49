"""Small templates, one construct each, rendered as Transformers renders a chat template.

`common` holds what published chat templates use; `rare` what the language has and they hardly use.
"""

import json
from pathlib import Path

from jinja2.exceptions import TemplateError
from transformers.utils.chat_template_utils import render_jinja_template

from checkpoints import write_json

MESSAGES = [
    {"role": "system", "content": " Rules. "},
    {"role": "user", "content": "Hi\n"},
    {"role": "assistant", "content": "Yo", "tool_calls": [{"name": "f", "arguments": {"x": 1, "y": "é<&>'"}}]},
    {"role": "user", "content": "Bye", "meta": {"n": 3, "none": None, "list": [1, 2.5, True]}},
]

COMMON = [
    # Whitespace control: trim_blocks and lstrip_blocks are on, the last line feed of a template is dropped.
    "a\n{% if true %}\nb\n{% endif %}\nc\n",
    "a\n   {% if true %}   \n  b\n   {% endif %}\nc\n\n",
    "a {%- if true %} b {%- endif %} c",
    "a {% if true -%} b {% endif -%} c",
    "a\n\n{{- ' b ' -}}\n\nc",
    "{# comment #}\nx{#- left -#}  y\n  {# whole line #}\nz",
    "a\n  {{ 'b' }}\n  c",
    "  {%+ if true %}x{% endif %}\n",
    "x{{ '' }}\n\n{%- set a = 1 %}\n{{ a }}\n",
    "a\r\n{% if true %}\r\nb\r\n{% endif %}\r\nc",
    # Literals and operators.
    """{{ 'single \\'quoted\\' \\n tab\\t back\\\\slash' }}|{{ "double \\"quoted\\" \\u00e9" }}""",
    "{{ 'a' 'b' }}{{ 'a' + 'b' ~ 1 ~ none ~ true }}",
    "{{ 1 + 2 * 3 - 4 }} {{ 7 // 2 }} {{ 7 % 3 }} {{ -7 % 3 }} {{ -7 // 2 }} {{ 2 ** 5 }} {{ 7 / 2 }} {{ 4 / 2 }}",
    "{{ 1 < 2 }} {{ 2 >= 3 }} {{ 'a' == 'a' }} {{ 1 != 1.0 }} {{ 'b' > 'a' }} {{ 1 < 2 < 3 }}",
    "{{ true and false or true }} {{ not true }} {{ not 'a' in 'abc' }} {{ 'a' not in 'abc' }} {{ 1 in [1] }}",
    "{{ '' or 'fallback' }} {{ none or 0 }} {{ 'x' and 'y' }} {{ [] and 1 }}",
    "{{ 'yes' if messages else 'no' }}{{ 'nothing' if false }}|",
    "{{ [1, 'two', none, true, 2.5, ['n']] }} {{ {'a': 1, 'b': {'c': none}} }} {{ (1, 'x') }}",
    "{{ 3 }} {{ 3.0 }} {{ 0.1 }} {{ 1e3 }} {{ 1_000 }} {{ -2 }} {{ 1e20 }} {{ 1e-7 }}",
    "{{ true }} {{ false }} {{ none }} {{ True }} {{ False }} {{ None }}",
    # Subscripts and slices.
    "{{ messages[0]['role'] }} {{ messages[0].role }} {{ messages[-1]['content'] }} {{ messages[1:] | length }}",
    "{{ 'abcdef'[1:4] }} {{ 'abcdef'[::-1] }} {{ 'abcdef'[-2:] }} {{ 'abcdef'[::2] }} {{ 'abcdef'[:-1] }}",
    "{% for m in messages[::-1] %}{{ m.role }} {% endfor %}",
    "{{ messages[0].missing }}|{{ messages[0]['missing'] }}|{{ missing }}|{{ messages[99] }}|",
    "{{ messages[3].meta.n }} {{ messages[3]['meta']['list'][1] }} {{ messages[3].meta.none }}",
    # Tests.
    "{{ missing is defined }} {{ missing is undefined }} {{ messages is defined }} {{ missing is not defined }}",
    "{{ none is none }} {{ 0 is none }} {{ 'a' is string }} {{ 1 is string }} {{ messages is iterable }}",
    "{{ 'a' is iterable }} {{ {} is mapping }} {{ [] is mapping }} {{ [] is sequence }} {{ 1 is number }}",
    "{{ true is boolean }} {{ true is true }} {{ 1 is true }} {{ false is false }} {{ 1 is integer }} {{ 1.0 is float }}",
    "{{ 3 is odd }} {{ 4 is even }} {{ 9 is divisibleby(3) }} {{ 'A' is upper }} {{ 1 is eq(1) }} {{ 1 is in [1] }}",
    "{{ 1 is number and not missing is defined }} {{ not none is none }}",
    "{{ messages[1].tool_calls is defined }} {{ messages[2].tool_calls is defined and messages[2].tool_calls }}",
    "{{ 'tool_calls' in messages[2] }} {{ 'tool_calls' in messages[1] }}",
    # Filters.
    "[{{ ' x ' | trim }}] [{{ 'xxaxx' | trim('x') }}] {{ 'Ab' | upper }} {{ 'Ab' | lower }} {{ 'hello you' | capitalize }}",
    "{{ [1, 2] | length }} {{ 'abc' | length }} {{ {} | length }} {{ 'abc' | count }}",
    "{{ [3, 1, 2] | first }} {{ [3, 1, 2] | last }} {{ [3, 1, 2] | sort }} {{ [3, 1, 2] | join('-') }} {{ [1, 2] | join }}",
    "{{ missing | default('d') }} {{ '' | default('d') }} {{ '' | default('d', true) }} {{ none | default('d', boolean=true) }}",
    "{{ messages | map(attribute='role') | join(', ') }} {{ ['a', 'b'] | map('upper') | list }}",
    "{{ messages | selectattr('role', 'equalto', 'user') | list | length }} {{ messages | selectattr('tool_calls') | list | length }}",
    "{{ messages | selectattr('tool_calls', 'defined') | list | length }} {{ messages | rejectattr('role', 'eq', 'user') | map(attribute='role') | list }}",
    "{{ messages | selectattr('role', 'in', ['user', 'tool']) | map(attribute='content') | list }}",
    "{{ 'a-b-c' | replace('-', '+') }} {{ '12' | int + 1 }} {{ 'x' | int }} {{ 2 | string + '!' }} {{ 3.7 | int }} {{ '2.5' | float }}",
    "{{ {'b': 1, 'a': 2} | dictsort }} {{ {'b': 1} | items | list }} {{ {'a': 1}.items() | list }}",
    "{{ [1, 2, 2, 1] | unique | list }} {{ [1, 2, 3] | reverse | list }} {{ 'abc' | reverse }} {{ 'abc' | list }}",
    "{{ 'a\nb\n\nc' | indent }}|{{ 'a\nb' | indent(2, true) }}|{{ 'a\nb' | indent(width=1, first=true) }}",
    "{{ '<a & b>' | e }} {{ '<a>' | safe }} {{ '<a>' }} {{ '<a>' | escape }}",
    "{{ 1.23456 | round(2) }} {{ 2.5 | round }} {{ [1, 2, 3] | sum }} {{ [1, 3, 2] | max }} {{ [1, 3, 2] | min }} {{ -3 | abs }}",
    "{{ [0, 1, '', 'a', none] | select | list }} {{ [1, 2, 3] | reject('odd') | list }}",
    "{{ 'x' ~ [1, 2] | length }} {{ ('x' ~ 'yz') | length }} {{ -1 | abs }}",
    # JSON.
    "{{ messages[2].tool_calls[0] | tojson }}",
    "{{ messages[3].meta | tojson(indent=4) }}",
    "{{ {'b': [], 'a': {}, 'c': [1, [2, {}]]} | tojson(indent=2) }}",
    "{{ 'π \"q\" \\ / \n\t <b> & \\'' | tojson }} {{ 'é' | tojson(ensure_ascii=true) }} {{ '🦜' | tojson }}",
    "{{ [1.0, 2.5, 1e20, 1e-7, 123456789012, true, none] | tojson }}",
    "{{ {'b': 1, 'a': [1, 2]} | tojson(separators=(',', ':'), sort_keys=true) }}",
    "{{ '\\u007f\\u2028\\u0001' | tojson }}",
    # String methods.
    "[{{ ' a '.strip() }}] [{{ 'xxay'.lstrip('xy') }}] [{{ 'axy'.rstrip('xy') }}] [{{ '\\n a\\n'.strip('\\n') }}]",
    "{{ 'a,b,,c'.split(',') }} {{ ' a  b '.split() }} {{ 'a b c'.split(' ', 1) }} {{ 'abc'.split('x') }} {{ 'a.b'.split('.')[-1] }}",
    "{{ 'Hello'.startswith('He') }} {{ 'Hello'.endswith('lo') }} {{ 'Hello'.upper() }} {{ 'Hello'.lower() }} {{ 'ab cd'.title() }}",
    "{{ 'a-b'.replace('-', '+') }} {{ 'aXbXc'.replace('X', '', 1) }} {{ 'abcabc'.find('c') }} {{ 'abcabc'.count('a') }}",
    "{{ ', '.join(['a', 'b']) }} {{ 'a b'.capitalize() }} {{ '7'.isdigit() }} {{ 'a{}b'.format(1) }}",
    "{{ {'a': 1}.get('a') }} {{ {'a': 1}.get('b') }} {{ {'a': 1}.get('b', 'd') }} {{ {'a': 1}.keys() | list }} {{ {'a': 1}.values() | list }}",
    # Statements.
    "{% set x = 1 %}{% if x == 1 %}one{% elif x == 2 %}two{% else %}many{% endif %}",
    "{% for i in range(3) %}{{ i }}{% if not loop.last %}, {% endif %}{% endfor %} {{ range(5, 1, -2) | list }}",
    "{% for m in messages %}{{ loop.index }}{{ loop.index0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }} {% endfor %}",
    "{% for m in messages %}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.previtem.role if loop.previtem is defined }}>{{ loop.nextitem.role if not loop.last }} {% endfor %}",
    "{% for m in messages if m.role == 'user' %}{{ loop.index }}{{ m.content }}{% else %}none{% endfor %}",
    "{% for x in [] %}{{ x }}{% else %}empty{% endfor %}",
    "{% for k, v in {'a': 1, 'b': 2}.items() %}{{ k }}={{ v }} {% endfor %}{% for k in {'a': 1} %}{{ k }}{% endfor %}",
    "{% for i in range(9) %}{% if i == 2 %}{% continue %}{% endif %}{% if i == 5 %}{% break %}{% endif %}{{ i }}{% endfor %}",
    "{% for a in [1, 2] %}{% for b in 'xy' %}{{ a }}{{ b }}{{ loop.index }} {% endfor %}{{ loop.index }};{% endfor %}",
    "{% set x = 1 %}{% for i in [1, 2] %}{% set x = x + i %}{{ x }} {% endfor %}{{ x }}",
    "{% set ns = namespace(x=1, seen=[]) %}{% for i in [1, 2] %}{% set ns.x = ns.x + i %}{% set ns.seen = ns.seen + [i] %}{% endfor %}{{ ns.x }} {{ ns.seen }}",
    "{% if true %}{% set inner = 'kept' %}{% endif %}{{ inner }}",
    "{% set a, b = 1, 'two' %}{{ a }}{{ b }}",
    "{% set text %}\n  block {{ 1 + 1 }}\n{% endset %}[{{ text }}]",
    "{% macro f(a, b='d', c=none) %}{{ a }}-{{ b }}-{{ c }}{% endmacro %}{{ f(1) }} {{ f(1, 2) }} {{ f(1, c='x') }} {{ f('z') | upper }}",
    "{% macro outer(n) -%}\n  <{{ inner(n + 1) }}>\n{%- endmacro %}{% macro inner(n) %}{{ n }}{% endmacro %}{{ outer(1) }}",
    "{% macro types(spec) %}{% if spec.type is string %}{{ spec.type }}{% else %}{% for t in spec.type %}{{ t }}{{ '|' if not loop.last }}{% endfor %}{% endif %}{% endmacro %}{{ types({'type': 'a'}) }} {{ types({'type': ['a', 'b']}) }}",
    "{% generation %}{{ messages[1].content }}{% endgeneration %}|",
    "{{ raise_exception('No ' ~ messages[0].role) }}",
    "{% if messages[0].role == 'system' %}{% set messages = messages[1:] %}{% endif %}{{ messages[0].role }}{{ messages | length }}",
    "{{ strftime_now('%Y-%m-%d') | length }} {{ strftime_now('%d %b %Y') | length }} {{ strftime_now('%%') }}",
    "{% raw %}{{ not evaluated }} {% if %}{% endraw %}",
    "{{ bos_token }}{{ eos_token }}{{ pad_token is defined }}{{ add_generation_prompt }}{{ tools is none }}",
    "{{- 'a'\n   + 'b'\n   if true\n   else 'c' -}}",
    "{% for m in messages -%}\n  {{ m.role }}\n{%- endfor %}",
    "{% if messages[1].content.strip() == 'Hi' and (loop is not defined) %}ok{% endif %}",
    "{{ messages[0].content + messages[1].content ~ 1 }}",
    "{{ messages == messages[:] }} {{ messages[1] == messages[1] }} {{ messages[1] == messages[3] }} {{ [1] + [2] }}",
]

RARE = [
    "{{ 'hello world' | title }} {{ 'a b c' | wordcount }} {{ 'abcdefghij' | truncate(6, true, '..', 0) }} {{ 'x' | center(5) }}|",
    "{{ '%s has %d' | format('it', 3) }} {{ 'n%d' % 7 }} {{ '%.2f' | format(1.5) }}",
    "{{ [1, 2, 3, 4, 5] | batch(2) | list }} {{ [1, 2, 3] | slice(2) | list }}",
    "{{ messages | groupby('role') | map('first') | list }}",
    "{{ messages | sort(attribute='role') | map(attribute='content') | list }} {{ ['b', 'A'] | sort }} {{ [1, 3, 2] | sort(reverse=true) }}",
    "{% filter upper %}shouted {{ 'text' }}{% endfilter %}",
    "{% for x in [1, 1, 2] %}{{ loop.changed(x) }} {{ loop.cycle('a', 'b') }} {{ loop.depth }} {% endfor %}",
    "{% for n in [{'v': 1, 'c': [{'v': 2}]}] recursive %}{{ n.v }}{% if n.c %}({{ loop(n.c) }}){% endif %}{% endfor %}",
    "{% macro wrap(n) %}[{{ caller(n) }}]{% endmacro %}{% call(x) wrap(2) %}<{{ x }}>{% endcall %}",
    "{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}{{ a is defined }}",
    "{% macro f() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ f(1, 2, k=3) }}",
    "{{ dict(a=1, b='x') }} {{ dict(a=1) | length }} {% set c = cycler('x', 'y') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}",
    "{% set j = joiner(', ') %}{{ j() }}a{{ j() }}b",
    "{{ 'a' is lower }} {{ [] is callable }} {{ 1 is sameas 1 }} {{ 1 is lt 2 }} {{ 2 is ge(2) }} {{ 'x' is ne('y') }}",
    "{{ 'abc' | attr('upper') is defined }} {{ [[1, 2], [3]] | sum(start=[]) }} {{ 'a\tb' | urlencode }} {{ '<b>x</b>' | striptags }}",
    "{{ missing.attribute }}",
    "{{ 1 + 'a' }}",
    "{{ messages.append({'role': 'x'}) }}",
    "{{ 'abc'.partition('b') }} {{ 'a\nb'.splitlines() }} {{ 'x'.zfill(3) }} {{ 'abc'.index('c') }} {{ 'aXb'.casefold() }}",
    "{% set x %}{% endset %}[{{ x }}] {{ 'é' | length }} {{ '🦜' | length }} {{ '🦜a'[0] }} {{ '🦜a'[::-1] }}",
    "{{ 10000000000000000000000 + 1 }} {{ 7.0 // 2 }} {{ 1 / 3 }} {{ 100.0 }} {{ 1e16 }} {{ 123456.789e3 }}",
]


def write_snippets(path: Path) -> None:
    cases = []
    for group, templates in (("common", COMMON), ("rare", RARE)):
        for template in templates:
            case = {"group": group, "template": template}
            try:
                rendered, _ = render_jinja_template(
                    [MESSAGES], chat_template=template, add_generation_prompt=True, bos_token="<s>", eos_token="</s>"
                )
                case["text"] = rendered[0]
            except (TemplateError, TypeError) as error:
                case["error"] = str(error)
            cases.append(case)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, {"messages": MESSAGES, "bos_token": "<s>", "eos_token": "</s>", "cases": cases})


if __name__ == "__main__":
    import sys

    write_snippets(Path(sys.argv[1]))
    print(json.dumps(sum(1 for _ in COMMON + RARE)))
