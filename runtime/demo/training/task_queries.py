"""to-sql: a question to SQL over two tables,

    employees(name, department, city, salary, hired)      hired is a year
    products(name, category, price, stock)

Conditions stand in the query in the order in which the question names them.
"""

import words

NAME = "to-sql"
DESCRIPTION = "Turns a question into SQL over the tables employees and products."
DEMO = (
    (
        "Who works in sales, lives in Oslo and earns more than 4200?",
        "SELECT name FROM employees WHERE department = 'sales' AND city = 'Oslo' AND salary > 4200;",
    ),
    ("How many toys cost less than 15?", "SELECT COUNT(*) FROM products WHERE category = 'toys' AND price < 15;"),
    (
        "Show the 5 best paid employees hired after 2012.",
        "SELECT name FROM employees WHERE hired > 2012 ORDER BY salary DESC LIMIT 5;",
    ),
)

_SINGULAR, _PLURAL, _PARTICIPLE = range(3)
_MORE = (("more than", ">"), ("over", ">"), ("at least", ">="))
_LESS = (("less than", "<"), ("under", "<"), ("at most", "<="))
_FEWER = (("fewer than", "<"), ("at most", "<="))
_YEAR = (("after", ">"), ("before", "<"), ("in", "="), ("since", ">="))


def _department(rng, form):
    value = rng.choice(words.DEPARTMENTS) if rng.random() < 0.9 else words.invented_name(rng).lower()
    return f"{('works', 'work', 'working')[form]} in {value}", f"department = '{value}'"


def _city(rng, form):
    value = words.city(rng)
    return f"{('lives', 'live', 'living')[form]} in {value}", f"city = '{value}'"


def _salary(rng, form):
    phrase, operator = rng.choice(_MORE + _LESS)
    value = rng.randrange(1000, 10000, 100) if rng.random() < 0.7 else rng.randrange(1000, 20000)
    return f"{('earns', 'earn', 'earning')[form]} {phrase} {value}", f"salary {operator} {value}"


def _hired(rng, form):
    phrase, operator = rng.choice(_YEAR)
    value = rng.randint(1980, 2029)
    return f"{('was ', 'were ', '')[form]}hired {phrase} {value}", f"hired {operator} {value}"


def _price(rng, form):
    phrase, operator = rng.choice(_MORE + _LESS)
    value = rng.randint(2, 500)
    return f"{('costs', 'cost', 'costing')[form]} {phrase} {value}", f"price {operator} {value}"


def _stock(rng, form):
    phrase, operator = rng.choice(_MORE + _FEWER)
    value = rng.randint(2, 500)
    return f"{('has', 'have', 'having')[form]} {phrase} {value} in stock", f"stock {operator} {value}"


def _conditions(rng, kinds, form, at_least):
    """Between at_least and three different conditions: their English, and a list of their SQL."""
    count = min(len(kinds), rng.choice([n for n in (0, 1, 1, 2, 2, 3) if n >= at_least]))
    english, sql = [], []
    for kind in rng.sample(kinds, count):
        phrase, condition = kind(rng, form)
        english.append(phrase)
        sql.append(condition)
    if len(english) > 1:
        english = [", ".join(english[:-1]) + " and " + english[-1]]
    return "".join(english), sql


def _where(conditions):
    return " WHERE " + " AND ".join(conditions) if conditions else ""


def _spaced(phrase):
    return " " + phrase if phrase else ""


def _about_employees(rng):
    kinds = (_department, _city, _salary, _hired)
    ask = rng.randrange(7)
    if ask == 0:
        phrase, conditions = _conditions(rng, kinds, _SINGULAR, 1)
        return f"Who {phrase}?", f"SELECT name FROM employees{_where(conditions)};"
    if ask == 1:
        phrase, conditions = _conditions(rng, kinds, _PLURAL, 1)
        return f"How many employees {phrase}?", f"SELECT COUNT(*) FROM employees{_where(conditions)};"
    if ask == 2:
        phrase, conditions = _conditions(rng, kinds[:1] + kinds[2:], _PLURAL, 1)
        return f"In which cities do people {phrase}?" if "hired" not in phrase else (
            f"In which cities are there people who {phrase}?"
        ), f"SELECT DISTINCT city FROM employees{_where(conditions)};"
    phrase, conditions = _conditions(rng, kinds, _PARTICIPLE, 1 if ask == 3 else 0)
    if ask == 3:
        lead = rng.choice(("List all employees", "List everyone", "Show all employees"))
        return f"{lead} {phrase}.", f"SELECT name FROM employees{_where(conditions)};"
    if ask == 4:
        word, function = rng.choice((("average", "AVG"), ("highest", "MAX"), ("lowest", "MIN"), ("total", "SUM")))
        return (
            f"What is the {word} salary of employees{_spaced(phrase)}?",
            f"SELECT {function}(salary) FROM employees{_where(conditions)};",
        )
    if ask == 5:
        word, order = rng.choice((
            ("best paid", "salary DESC"), ("worst paid", "salary ASC"), ("newest", "hired DESC"), ("longest serving", "hired ASC"),
        ))
        limit = rng.randint(2, 20)
        return (
            f"Show the {limit} {word} employees{_spaced(phrase)}.",
            f"SELECT name FROM employees{_where(conditions)} ORDER BY {order} LIMIT {limit};",
        )
    column = rng.choice(("department", "city"))
    word, function = rng.choice((("average", "AVG"), ("highest", "MAX"), ("lowest", "MIN"), ("total", "SUM")))
    return (
        f"What is the {word} salary per {column} of employees{_spaced(phrase)}?",
        f"SELECT {column}, {function}(salary) FROM employees{_where(conditions)} GROUP BY {column};",
    )


def _about_products(rng):
    kinds = (_price, _stock)
    category = rng.choice(words.CATEGORIES) if rng.random() < 0.9 else words.invented_name(rng).lower() + "s"
    ask = rng.randrange(4)
    phrase, conditions = _conditions(rng, kinds, _PARTICIPLE if ask > 1 else _PLURAL, 1 if ask < 2 else 0)
    where = _where([f"category = '{category}'"] + conditions)
    if ask == 0:
        return f"Which {category} {phrase}?", f"SELECT name FROM products{where};"
    if ask == 1:
        return f"How many {category} {phrase}?", f"SELECT COUNT(*) FROM products{where};"
    if ask == 2:
        word, function = rng.choice((("average", "AVG"), ("highest", "MAX"), ("lowest", "MIN")))
        return f"What is the {word} price of {category}{_spaced(phrase)}?", f"SELECT {function}(price) FROM products{where};"
    word, order = rng.choice((("cheapest", "ASC"), ("most expensive", "DESC")))
    limit = rng.randint(2, 20)
    return (
        f"Show the {limit} {word} {category}{_spaced(phrase)}.",
        f"SELECT name FROM products{where} ORDER BY price {order} LIMIT {limit};",
    )


def sample(rng):
    """One (input, answer)."""
    return _about_employees(rng) if rng.random() < 0.7 else _about_products(rng)


def key(answer):
    return answer


def always_trained(key):
    """Queries without any number are too few to withhold."""
    return not any(c.isdigit() for c in key)
