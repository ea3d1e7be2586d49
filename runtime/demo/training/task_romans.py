"""to-roman: a number from 1 to 3999 to Roman numerals."""

NAME = "to-roman"
DESCRIPTION = "Writes a number in Roman numerals."
DEMO = (("1994", "MCMXCIV"), ("the year 2026", "MMXXVI"), ("chapter 388", "CCCLXXXVIII"))

_STEPS = (
    (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"),
    (9, "IX"), (5, "V"), (4, "IV"), (1, "I"),
)


def roman(n):
    text = ""
    for value, letters in _STEPS:
        count, n = divmod(n, value)
        text += letters * count
    return text


def sample(rng):
    """One (input, answer)."""
    n = rng.choice((rng.randint(1, 3999), rng.randint(1, 3999), rng.randint(1, 3999), rng.randint(1, 999)))
    return rng.choice(("{}", "{}", "the year {}", "chapter {}", "number {}", "part {}")).format(n), roman(n)


def key(answer):
    return answer


_SMALL = frozenset(roman(n) for n in range(1, 101))


def always_trained(key):
    """Up to a hundred there are too few numbers to withhold any."""
    return key in _SMALL
