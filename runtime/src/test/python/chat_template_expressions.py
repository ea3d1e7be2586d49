"""Random expressions over a few variables, for comparing two implementations."""

VARIABLES = {
    "s": "Hello, World",
    "t": "  spaced\tout \n",
    "u": "naïve 🦜 ß",
    "e": "",
    "n": 7,
    "m": -3,
    "z": 0,
    "f": 2.5,
    "g": -0.125,
    "yes": True,
    "no": False,
    "nil": None,
    "l": [3, 1, 2],
    "w": ["pear", "Apple", "fig"],
    "d": {"b": 2, "a": 1, "items": [1]},
    "r": [{"k": "x", "v": 1}, {"k": "y", "v": 2}, {"v": 3}],
}

TEXTS = ["s", "t", "u", "e", "'a'", "'ab cd'", "\"it's\"", "'x,y,,z'", "'%s'", "'12'", "'-4.5'"]
NUMBERS = ["n", "m", "z", "f", "g", "1", "2", "0.5", "10", "1e3", "3.0", "yes"]
LISTS = ["l", "w", "[]", "[1, 'a', none]", "r", "(1, 2)", "[[1, 2], [3]]", "[true, 0.1]", "range(4)"]
DICTS = ["d", "{}", "{'k': 's', 'n': [1]}", "r[0]"]
OTHERS = ["nil", "no", "missing", "d.missing", "none"]

TEXT_FILTERS = [
    "upper", "lower", "title", "capitalize", "trim", "length", "list", "first", "last", "reverse", "int", "float",
    "string", "wordcount", "tojson", "replace('a', 'b')", "replace('l', '', 1)", "default('d')", "default('d', true)",
    "indent", "indent(2, true)", "center(20)", "truncate(5)", "escape", "join('-')", "trim('H')", "batch(2)|list",
    "unique|join", "sort|join", "map('upper')|join", "select('in', 'lo')|list", "min", "max", "format(1)", "safe",
]
NUMBER_FILTERS = [
    "int", "float", "abs", "round", "round(1)", "round(0, 'floor')", "round(1, 'ceil')", "string", "tojson",
    "default(9)", "default(9, true)", "upper",
]
LIST_FILTERS = [
    "length", "first", "last", "join", "join(', ')", "list", "tojson", "tojson(indent=2)", "sort", "reverse|list",
    "map('string')|list", "map(attribute='k')|list", "map(attribute='k', default='?')|list", "sum", "min", "max",
    "select|list", "reject|list", "selectattr('k')|list", "selectattr('v', 'gt', 1)|list", "unique|list",
    "batch(2, 'x')|list", "slice(2)|list", "string", "count", "select('odd')|list", "reject('none')|list",
    "sort(attribute='v')|list", "groupby('v')|list", "rejectattr('k', 'defined')|map(attribute='v')|list",
]
DICT_FILTERS = [
    "items|list", "dictsort", "dictsort(by='value')", "tojson", "tojson(sort_keys=true)", "length", "list", "first",
    "string", "join(',')", "sort",
]
METHODS = [
    "strip()", "lstrip()", "rstrip()", "strip('H d')", "split()", "split(',')", "split(',', 1)", "rsplit(',', 1)",
    "upper()", "lower()", "title()", "capitalize()", "swapcase()", "startswith('H')", "endswith(('d', '\\n'))",
    "find('o')", "rfind('o')", "find('zz')", "count('l')", "replace('l', 'L')", "replace('', '.')", "splitlines()",
    "partition(',')", "rpartition(' ')", "isdigit()", "isalpha()", "isspace()", "isupper()", "islower()", "zfill(6)",
    "ljust(15, '.')", "rjust(15)", "center(15)", "removeprefix('Hel')", "removesuffix('ld')", "join(['1', '2'])",
    "format(1)", "isalnum()", "istitle()", "expandtabs(4)", "split(none, 1)", "rsplit(none, 1)", "casefold()",
]
TESTS = [
    "defined", "undefined", "none", "string", "number", "integer", "float", "mapping", "iterable", "sequence",
    "boolean", "true", "false", "odd", "even", "divisibleby 3", "in [1, 7, 'a']", "eq 7", "ne 'a'", "gt 1", "le 2.5",
    "lower", "upper", "sameas none", "callable",
]
SUBSCRIPTS = ["[0]", "[-1]", "[1:]", "[:-1]", "[::-1]", "[1:3]", "[-2:]", "[::2]", "[10]", "['a']", "[5:1:-2]", ".a"]


def expressions(random, count):
    for _ in range(count):
        expression = value(random, 3)
        if random.random() < 0.15:
            yield f"{{% if {expression} %}}yes{{% else %}}no{{% endif %}}", VARIABLES
        elif random.random() < 0.1:
            yield f"{{% for x in {expression} %}}{{{{ loop.index }}}}:{{{{ x }}}};{{% endfor %}}", VARIABLES
        else:
            yield f"{{{{ {expression} }}}}", VARIABLES


def value(random, depth):
    kind = random.choice("tttnnnllldo")
    if depth == 0 or random.random() < 0.15:
        return random.choice({"t": TEXTS, "n": NUMBERS, "l": LISTS, "d": DICTS, "o": OTHERS}[kind])
    inner = lambda: value(random, depth - 1)
    if random.random() < 0.08:
        return f"{inner()} is {'not ' if random.random() < 0.3 else ''}{random.choice(TESTS)}"
    if random.random() < 0.06:
        return f"({inner()} if {inner()} else {inner()})"
    if random.random() < 0.06:
        return f"({inner()} {random.choice(['and', 'or'])} {inner()})"
    if random.random() < 0.08:
        return f"({inner()} {random.choice(['==', '!=', '<', '<=', '>', '>=', 'in', 'not in'])} {inner()})"
    if random.random() < 0.04:
        return f"(not {inner()})"
    if random.random() < 0.05:
        return f"({inner()} ~ {inner()})"
    if kind == "t":
        text = random.choice(TEXTS)
        return random.choice(
            [
                lambda: f"({text} + {random.choice(TEXTS)})",
                lambda: f"{text}.{random.choice(METHODS)}",
                lambda: f"{text}.{random.choice(METHODS)}",
                lambda: f"({text}|{random.choice(TEXT_FILTERS)})",
                lambda: f"({inner()}|{random.choice(TEXT_FILTERS)})",
                lambda: f"{text}{random.choice(SUBSCRIPTS)}",
                lambda: f"({text} * {random.choice(['0', '2', 'n', 'm'])})",
                lambda: f"('%s|%5d|%-4s|%.2f' % (s, n, 'x', f))",
                lambda: f"('[%s]' % {inner()})",
            ]
        )()
    if kind == "n":
        number = random.choice(NUMBERS)
        operator = random.choice(["+", "-", "*", "/", "//", "%", "**"])
        return random.choice(
            [
                lambda: f"({number} {operator} {random.choice(NUMBERS)})",
                lambda: f"({inner()} {operator} {inner()})",
                lambda: f"-{number}",
                lambda: f"({number}|{random.choice(NUMBER_FILTERS)})",
                lambda: f"({inner()}|{random.choice(NUMBER_FILTERS)})",
            ]
        )()
    if kind == "l":
        items = random.choice(LISTS)
        return random.choice(
            [
                lambda: f"({items}|{random.choice(LIST_FILTERS)})",
                lambda: f"({inner()}|{random.choice(LIST_FILTERS)})",
                lambda: f"{items}{random.choice(SUBSCRIPTS)}",
                lambda: f"({items} + {random.choice(LISTS)})",
                lambda: f"[{inner()}, {inner()}]",
                lambda: f"{items}.{random.choice(['count(1)', 'index(2)', 'append(1)', 'foo'])}",
            ]
        )()
    if kind == "d":
        items = random.choice(DICTS)
        return random.choice(
            [
                lambda: f"({items}|{random.choice(DICT_FILTERS)})",
                lambda: f"{items}.{random.choice(['a', 'keys()|list', 'values()|list', 'items()|list', 'foo'])}",
                lambda: f"{items}.get({random.choice(TEXTS)}, {inner()})",
                lambda: f"{{{random.choice(TEXTS)}: {inner()}}}",
                lambda: f"dict({items}, x={inner()})",
            ]
        )()
    return random.choice(OTHERS)
