"""to-cron: a schedule in words to the five fields of a cron line (minute hour day month weekday; Sunday is 0)."""

import words

NAME = "to-cron"
DESCRIPTION = "Turns a schedule in words into a cron expression."
DEMO = (
    ("every weekday at 7:45 in the morning", "45 7 * * 1-5"),
    ("at half past six in the evening on Mondays and Thursdays", "30 18 * * 1,4"),
    ("on the 1st of every month at 4:15 am", "15 4 1 * *"),
)

_MINUTES = ((5, "five"), (10, "ten"), (15, "quarter"), (20, "twenty"), (25, "twenty-five"))


def _period(hour):
    """How the part of the day is called in which an hour lies."""
    if 1 <= hour <= 11:
        return "in the morning"
    if 12 <= hour <= 17:
        return "in the afternoon"
    if 18 <= hour <= 21:
        return "in the evening"
    return "at night"


def _clock(rng):
    """A time of day: its words, hour and minute."""
    hour, minute = rng.randrange(24), rng.choice((0, 0, 15, 30, 45, rng.randrange(60), rng.randrange(60), rng.randrange(60)))
    if rng.random() < 0.04:
        return rng.choice((("noon", 12, 0), ("midnight", 0, 0)))
    twelve = (hour + 11) % 12 + 1
    half = rng.choice(("", " ")) + ("am" if hour < 12 else "pm")
    form = rng.randrange(4)
    if form == 0:
        return f"{hour:02d}:{minute:02d}", hour, minute
    if form == 1:
        return (f"{twelve}:{minute:02d}{half}" if minute or rng.random() < 0.3 else f"{twelve}{half}"), hour, minute
    if form == 2:
        return f"{twelve}:{minute:02d} {_period(hour)}", hour, minute
    number = rng.choice((words.ONES[twelve], str(twelve)))
    following = (hour + 12) % 12 + 1
    next_number = words.ONES[following] if number.isalpha() else str(following)
    kind = rng.randrange(4)
    if kind == 0:
        return f"{number} o'clock {_period(hour)}", hour, 0
    if kind == 1:
        return f"half past {number} {_period(hour)}", hour, 30
    amount, word = rng.choice(_MINUTES)
    if kind == 2:
        return f"{word} past {number} {_period(hour)}", hour, amount
    return f"{word} to {next_number} {_period(hour)}", hour, 60 - amount


def _days(rng):
    """On which days: the words, and the fields day, month and weekday."""
    kind = rng.randrange(10)
    if kind == 0:
        return rng.choice(("every day", "daily", "each day")), "* * *"
    if kind == 1:
        return rng.choice(("every weekday", "on weekdays", "weekdays", "Monday to Friday")), "* * 1-5"
    if kind == 2:
        return rng.choice(("on weekends", "every weekend")), "* * 0,6"
    if kind == 3:
        day = rng.randrange(7)
        return rng.choice((
            f"every {words.WEEKDAYS[day]}", f"on {words.WEEKDAYS[day]}s", f"{words.WEEKDAYS[day]}s",
        )), f"* * {(day + 1) % 7}"
    if kind in (4, 5):
        first, second = sorted(rng.sample(range(7), 2))
        names = ["Sunday"] + words.WEEKDAYS[:6]
        return rng.choice((
            f"on {names[first]}s and {names[second]}s", f"every {names[first]} and {names[second]}",
        )), f"* * {first},{second}"
    if kind == 6:
        first, last = sorted(rng.sample(range(6), 2))
        joint = rng.choice(("to", "through"))
        return f"{words.WEEKDAYS[first]} {joint} {words.WEEKDAYS[last]}", f"* * {first + 1}-{last + 1}"
    day = rng.randint(1, 28)
    nth = rng.choice((words.ordinal(day), words.ordinal(day), words.ORDINALS[day]))
    if kind == 7:
        return rng.choice((f"on the {nth} of every month", f"every month on the {nth}")), f"{day} * *"
    month = rng.randint(1, 12)
    name = words.MONTHS[month - 1]
    return rng.choice((
        f"every year on the {nth} of {name}", f"on the {nth} of {name}", f"every year on {name} {day}", f"on {name} {day}",
    )), f"{day} {month} *"


def _interval(rng):
    """Every so many minutes or hours."""
    days, fields = rng.choice((("", "* * *"), _days(rng)))
    days = " " + days if days else ""
    kind = rng.randrange(5)
    if kind == 4:
        return rng.choice(((f"every hour{days}", f"0 * {fields}"), (f"every minute{days}", f"* * {fields}")))
    if kind == 0:
        every = rng.choice((2, 3, 4, 6, 8, 12))
        return f"every {every} hours{days}", f"0 */{every} {fields}"
    if kind == 1:
        minute = rng.randrange(1, 60)
        return f"{minute} minutes past every hour{days}", f"{minute} * {fields}"
    every = rng.choice((2, 3, 4, 5, 6, 10, 12, 15, 20, 30))
    if kind == 2:
        return f"every {every} minutes{days}", f"*/{every} * {fields}"
    first, last = sorted(rng.sample(range(24), 2))
    return f"every {every} minutes in the hours from {first} to {last}{days}", f"*/{every} {first}-{last} {fields}"


def sample(rng):
    """One (input, answer); some people don't write capitals."""
    text, answer = _interval(rng) if rng.random() < 0.2 else _at_a_time(rng)
    return text.lower() if rng.random() < 0.1 else text, answer


def _at_a_time(rng):
    clock, hour, minute = _clock(rng)
    days, fields = _days(rng)
    at = clock if clock in ("noon", "midnight") and rng.random() < 0.2 else "at " + clock
    return rng.choice((f"{days} at {clock}", f"{days} {at}", f"{at} {days}")), f"{minute} {hour} {fields}"


def key(answer):
    return answer


def always_trained(key):
    """Plain intervals, and one minute of every hour, are too few to withhold."""
    minute, hour, *days = key.split()
    return hour.startswith("*") and days == ["*", "*", "*"]
