"""date-iso: a written date to YYYY-MM-DD."""

import datetime

import words

NAME = "date-iso"
DESCRIPTION = "Writes a date in ISO form (YYYY-MM-DD)."
DEMO = (
    ("the 3rd of March 2021", "2021-03-03"),
    ("due by Friday, 31 December 1999", "1999-12-31"),
    ("July the twentieth, 1969", "1969-07-20"),
)

_FIRST = datetime.date(1900, 1, 1)
_DAYS = (datetime.date(2100, 1, 1) - _FIRST).days


def _write(rng, date):
    day, month, year = date.day, words.MONTHS[date.month - 1], date.year
    nth, short = words.ordinal(day), month[:3]
    written = words.ORDINALS[day]
    return rng.choice((
        f"the {nth} of {month} {year}",
        f"the {nth} of {month}, {year}",
        f"the {written} of {month} {year}",
        f"{nth} of {month} {year}",
        f"{nth} {month} {year}",
        f"{day} {month} {year}",
        f"{day} {short} {year}",
        f"{nth} {short} {year}",
        f"{month} {day}, {year}",
        f"{month} {day} {year}",
        f"{month} {nth}, {year}",
        f"{month} the {nth}, {year}",
        f"{month} the {written}, {year}",
        f"{short} {day}, {year}",
        f"{short} {nth}, {year}",
        f"{words.WEEKDAYS[date.weekday()]}, {day} {month} {year}",
        f"{words.WEEKDAYS[date.weekday()]}, {month} {day}, {year}",
        f"{words.WEEKDAYS[date.weekday()]} the {nth} of {month} {year}",
        f"{words.WEEKDAYS[date.weekday()]}, {month} {nth}, {year}",
    ))


def sample(rng):
    """One (input, answer)."""
    date = _FIRST + datetime.timedelta(days=rng.randrange(_DAYS))
    lead = rng.choice(("", "", "", "", "", "on ", "born ", "due by ", "since ", "until "))
    text = lead + _write(rng, date)
    return text.lower() if rng.random() < 0.1 else text, date.isoformat()


def key(answer):
    """What must not be shared between training and held-out prompts: the date itself, however it is written."""
    return answer


def always_trained(key):
    return False
