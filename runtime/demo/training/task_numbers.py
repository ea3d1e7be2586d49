"""number-words: a number in words to digits."""

import words

NAME = "number-words"
DESCRIPTION = "Writes a number given in words with digits."
DEMO = (
    ("four hundred and seventeen thousand and twenty-six", "417026"),
    ("nine thousand and one", "9001"),
    ("two million three hundred thousand and five", "2300005"),
)


def _below_hundred(n, hyphen):
    if n < 20:
        return words.ONES[n]
    tens, ones = divmod(n, 10)
    return words.TENS[tens] + (hyphen + words.ONES[ones] if ones else "")


def _below_thousand(n, hyphen, joint):
    hundreds, rest = divmod(n, 100)
    parts = [words.ONES[hundreds] + " hundred"] if hundreds else []
    if rest or not parts:
        parts.append(_below_hundred(rest, hyphen))
    return joint.join(parts)


def spell(n, hyphen="-", joint=" and ", comma="", article=False):
    """The words of 0 <= n < 10,000,000.

    joint is ' and ' or ' '; comma is ',' or nothing, after millions and thousands; article turns a leading 'one' into 'a'.
    """
    millions, rest = divmod(n, 1_000_000)
    thousands, rest = divmod(rest, 1000)
    text = ""
    if millions:
        text = _below_thousand(millions, hyphen, joint) + " million"
    if thousands:
        text += (comma + " " if text else "") + _below_thousand(thousands, hyphen, joint) + " thousand"
    if rest or not text:
        text += ("" if not text else joint if rest < 100 else comma + " ") + _below_thousand(rest, hyphen, joint)
    if article and text.startswith(("one hundred", "one thousand", "one million")):
        text = "a" + text[3:]
    return text


def sample(rng):
    """One (input, answer); zeros inside a number are frequent because they are the hard part."""
    length = rng.choices(range(1, 8), (1, 1, 3, 5, 6, 8, 7))[0]
    digits = [str(rng.randint(1, 9))] + ["0" if rng.random() < 0.25 else str(rng.randint(0, 9)) for _ in range(length - 1)]
    n = int("".join(digits))
    text = spell(
        n, rng.choice("-- "), rng.choice((" and ", " and ", " ")), rng.choice(("", "", "", ",")), rng.random() < 0.3)
    return text.capitalize() if rng.random() < 0.1 else text, str(n)


def key(answer):
    return answer


def always_trained(key):
    """Below a thousand there are too few numbers to withhold any."""
    return len(key) <= 3
