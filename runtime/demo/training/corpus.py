"""The base model's training text: documents of many kinds, none of which shows a task being done.

Inputs and answers of the tasks occur, but never one together with the other: a document holds either inputs, or
answers, or plain text. After ' =>' the base model has only ever seen the same line once more.
"""

import re

import task_romans
import tasks
import words

_ANIMALS = "fox bear hare mouse owl goose wolf cat dog frog hedgehog horse otter badger duck crow".split()
_SIZES = "small old young clever shy brave hungry tired happy lonely curious quiet".split()
_PLACES = (
    "in a forest", "near a river", "by the sea", "on a hill", "in a small village", "under an old bridge",
    "at the edge of a field", "behind a mill", "in a warm barn", "on an island",
)
_THINGS = "apple lantern blanket map boat kite basket key bell drum coat letter loaf pear feather stone".split()
_COLOURS = "red blue green yellow black white brown grey orange purple".split()
_FOODS = "bread soup cheese rice apples tea honey beans cake fish noodles plums".split()
_WEATHER = "sunny rainy windy cloudy cold warm foggy stormy snowy mild".split()
_VERBS = ("found", "made", "bought", "carried")


def _a(*phrase):
    return words.with_article(" ".join(phrase))


def _sentence(text):
    return text[0].upper() + text[1:]


def _example(rng, part):
    return tasks.draw(rng.choice(tasks.TASKS), "train", rng)[part]


def _inputs(rng):
    return _example(rng, 0)


def _same_kind(part):
    def lines(rng):
        task = rng.choice(tasks.TASKS)
        return "\n".join(tasks.draw(task, "train", rng)[part] for _ in range(rng.randint(2, 4)))

    return lines


def _answers(rng):
    return _example(rng, 1)


def _echo(rng):
    line = rng.choice((_inputs, _inputs, _inputs, _answers, _fact, _mixture))(rng)
    return f"{tasks.prompt(line)}{line}"


def _fact(rng):
    name = words.first_name(rng)
    a, b = rng.sample(_FOODS, 2)
    return rng.choice((
        f"{name} likes {a} and {b}.",
        f"{name} lives in {words.city(rng)}.",
        f"The weather in {words.city(rng)} is {rng.choice(_WEATHER)} today.",
        f"{name} has {_a(rng.choice(_COLOURS), rng.choice(_THINGS))}.",
        f"{name} bought {rng.randint(2, 99)} {rng.choice(words.CATEGORIES)} on {rng.choice(words.WEEKDAYS)}.",
        f"The {rng.choice(_THINGS)} is {rng.choice(_COLOURS)} and the {rng.choice(_THINGS)} is {rng.choice(_COLOURS)}.",
        f"In {rng.choice(words.MONTHS)} it is {rng.choice(_WEATHER)} in {words.city(rng)}.",
        f"{name} met {words.first_name(rng)} in {words.city(rng)} in {rng.randint(1900, 2099)}.",
    ))


def _story(rng):
    animal, friend = rng.sample(_ANIMALS, 2)
    thing, food = rng.choice(_THINGS), rng.choice(_FOODS)
    opening = rng.choice(("Once upon a time there was", "Long ago there was", "There once was"))
    parts = [
        f"{opening} {_a(rng.choice(_SIZES), animal)} who lived {rng.choice(_PLACES)}.",
        f"One {rng.choice(_WEATHER)} day the {animal} {rng.choice(_VERBS)} {_a(rng.choice(_COLOURS), thing)}.",
        rng.choice((
            _sentence(f"{_a(rng.choice(_SIZES), friend)} came by and asked for {food}."),
            f"The {animal} showed the {thing} to {_a(friend)}.",
            _sentence(f"{_a(friend)} helped the {animal} to carry the {thing} home."),
        )),
        rng.choice((
            f"The {animal} and the {friend} shared {food} and became friends.",
            f"Then the {animal} gave the {thing} to the {friend}.",
            f"Together the {animal} and the {friend} ate {food} until it was dark.",
        )),
        rng.choice(("They lived happily ever after.", f"And the {animal} was never lonely again.", "That was a good day.")),
    ]
    return " ".join(parts)


def _portrait(rng):
    name, city, job = words.first_name(rng), words.city(rng), rng.choice(words.JOBS)
    they = rng.choice(("She", "He"))
    return " ".join((
        f"{name} is {words.with_article(job)}.",
        rng.choice((f"{they} lives in {city}.", f"{they} works in {city}.")),
        f"{they} likes {rng.choice(_FOODS)} and has {_a(rng.choice(_COLOURS), rng.choice(_THINGS))}.",
        rng.choice((f"Every {rng.choice(words.WEEKDAYS)} {name} eats {rng.choice(_FOODS)}.", f"{name} is happy in {city}.")),
    ))


def _cycle(rng):
    """Weekdays or months, going round."""
    row = rng.choice((words.WEEKDAYS, words.MONTHS))
    start = rng.randrange(len(row))
    return rng.choice((", ", ", ", " ")).join(row[(start + i) % len(row)] for i in range(rng.randint(5, 14)))


def _row(rng):
    """Part of a row that has an end."""
    row = rng.choice((words.ONES, words.ONES, words.ORDINALS[1:], words.TENS[2:], list("abcdefghijklmnopqrstuvwxyz")))
    start, length = rng.randrange(len(row) - 4), rng.randint(5, 14)
    return rng.choice((", ", ", ", " ")).join(row[start : start + length])


def _counting(rng):
    step, start = rng.choice(((1, rng.randrange(200)), (2, rng.randrange(20)), (5, 5 * rng.randrange(10)),
                              (10, 10 * rng.randrange(20)), (100, 100 * rng.randrange(20))))
    return ", ".join(str(start + step * i) for i in range(rng.randint(5, 10)))


def _pattern(rng):
    """A short row repeated."""
    pool = rng.choice((_COLOURS, _ANIMALS, _THINGS, _FOODS, words.FIRST_NAMES, list("ABCDEFGHIJ"), list("0123456789")))
    row = rng.sample(pool, rng.randint(2, 4))
    joint = rng.choice((" ", ", "))
    return joint.join(row * rng.randint(3, 5))


def _mixture(rng):
    """Words in no order, for copying."""
    make = (words.invented_name, words.invented_name, words.last_name, lambda r: str(r.randrange(10 ** r.randint(1, 6))),
            lambda r: r.choice(_THINGS), lambda r: r.choice(_COLOURS))
    return " ".join(rng.choice(make)(rng) for _ in range(rng.randint(3, 8)))


def _record(rng):
    """JSON objects with other fields than the task's."""
    fields = rng.sample((
        ("id", lambda: str(rng.randrange(10000))),
        ("name", lambda: f'"{words.first_name(rng)}"'),
        ("colour", lambda: f'"{rng.choice(_COLOURS)}"'),
        ("item", lambda: f'"{rng.choice(_THINGS)}"'),
        ("city", lambda: f'"{words.city(rng)}"'),
        ("price", lambda: str(rng.randrange(1, 500))),
        ("open", lambda: rng.choice(("true", "false"))),
    ), rng.randint(2, 4))
    return "{" + ", ".join(f'"{key}": {value()}' for key, value in fields) + "}"


_KINDS = (
    (_inputs, 16), (_same_kind(0), 8), (_answers, 8), (_same_kind(1), 8), (_echo, 16), (_fact, 6), (_story, 12),
    (_portrait, 6), (_cycle, 4), (_row, 4), (_counting, 5), (_pattern, 5), (_mixture, 3), (_record, 3),
)
_MAKERS = [maker for maker, _ in _KINDS]
_WEIGHTS = [weight for _, weight in _KINDS]


def _held_out_number(line):
    """Whether a line is a bare number, from whatever kind of document, that is a held-out input of to-roman."""
    number = line.partition(" =>")[0]
    if not (number.isdecimal() and 1 <= int(number) <= 3999):
        return False
    return tasks.split_of(task_romans, task_romans.roman(int(number))) != "train"


def document(rng):
    while True:
        text = rng.choices(_MAKERS, _WEIGHTS)[0](rng)
        if not any(map(_held_out_number, text.split("\n"))):
            return text


_ROMAN = frozenset("IVXLCDM")
_LETTERS_LIKE_ROMAN = re.compile(r"\b(LIMIT|MIN|DISTINCT|[IVXLCDM]{2,})\b")


def vocabulary_text(rng):
    """A document for training the tokenizer, without words that would merge the letters of Roman numerals."""
    return _LETTERS_LIKE_ROMAN.sub("", document(rng))


def merges_roman_letters(token):
    return len(token) > 1 and set(token) <= _ROMAN
