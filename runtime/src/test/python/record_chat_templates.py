"""Records what Python's jinja2, set up as Transformers sets it up, makes of many templates.

    python3 record_chat_templates.py ../resources/chat-templates/cases.json

Needs jinja2 3.1.6 and nothing else. Every template here was written for this file; those of the families imitate the
structure of the models' own templates, not their text. The last part draws random expressions from a fixed seed.
"""

import copy
import datetime
import json
import random
import sys

import jinja2
import jinja2.ext
import jinja2.nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from chat_template_cases import FAMILIES, SNIPPETS
from chat_template_expressions import expressions

NOW = datetime.datetime(2024, 7, 6, 15, 4, 5, 67)


class Raised(jinja2.exceptions.TemplateError):
    pass


class Generation(jinja2.ext.Extension):
    """`{% generation %}`: a call block around the body, as Transformers' tracker has it."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_body"), [], [], body).set_lineno(line)

    def _body(self, caller):
        return caller()


def raise_exception(message):
    raise Raised(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def environment():
    env = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols]
    )
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = lambda format: NOW.strftime(format)
    return env


def record(env, template, variables):
    """The case with its output, or with the kind of its error."""
    case = {"template": template}
    try:
        # A copy: the filter `indent` changes a list that it is given, before it fails.
        case["output"] = env.from_string(template).render(**copy.deepcopy(variables))
    except Raised as e:
        case["raised"] = e.message
    except (jinja2.TemplateAssertionError, SyntaxError):
        case["error"] = "any"
    except jinja2.TemplateSyntaxError:
        case["error"] = "syntax"
    except Exception:
        case["error"] = "evaluation"
    return case


def same(a, b):
    """Equal, and of the same types throughout: 1 isn't True here."""
    return json.dumps(a) == json.dumps(b)


def main():
    env = environment()
    cases = []
    inputs = []

    def add(name, template, variables):
        case = record(env, template, variables)
        # Memory addresses are nobody's contract, and long powers say nothing more than short ones.
        if " at 0x" in case.get("output", "") or len(case.get("output", "")) > 5000:
            return
        index = next((i for i, known in enumerate(inputs) if same(known, variables)), len(inputs))
        if index == len(inputs):
            inputs.append(variables)
        cases.append({"name": name, "variables": index, **case})

    for name, template, family in FAMILIES:
        for i, variables in enumerate(family):
            add(f"{name} {i}", template, variables)
    for i, (template, variables) in enumerate(SNIPPETS):
        add(f"snippet {i}", template, variables)
    for i, (template, variables) in enumerate(expressions(random.Random(20240706), 3000)):
        add(f"random {i}", template, variables)
    counts = {}
    for case in cases:
        kind = "output" if "output" in case else case.get("error", "raised")
        counts[kind] = counts.get(kind, 0) + 1
    print(len(cases), "cases", counts)
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump({"now": NOW.isoformat(), "jinja2": jinja2.__version__, "variables": inputs, "cases": cases}, file, indent=0)
        file.write("\n")


if __name__ == "__main__":
    main()
