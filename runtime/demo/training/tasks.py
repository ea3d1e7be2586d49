"""What all tasks have in common: the prompt format, and which examples may be trained on.

A task is a module with NAME, DESCRIPTION, DEMO (inputs and answers shown by the demo), sample(rng), key(answer) and
always_trained(key). Every example has a key (the date, the number, the person, the query ...). The key alone decides
whether an example is for training, validation or test, so a held-out prompt is unseen in every wording.
"""

import hashlib

import task_dates
import task_numbers
import task_people
import task_queries
import task_romans
import task_schedules

TASKS = (task_dates, task_numbers, task_people, task_queries, task_schedules, task_romans)
BY_NAME = {task.NAME: task for task in TASKS}

PROMPT_FORMAT = "{input} =>"


def prompt(text):
    """The prompt of an input text, the same for every adapter; the answer follows at once and ends with end-of-text."""
    return PROMPT_FORMAT.format(input=text)


_DEMO_KEYS = {task.NAME: frozenset(task.key(answer) for _, answer in task.DEMO) for task in TASKS}


def split_of(task, answer):
    """'demo', 'test', 'valid' (5 % each of the latter two) or 'train'."""
    key = task.key(answer)
    if key in _DEMO_KEYS[task.NAME]:
        return "demo"
    if task.always_trained(key):
        return "train"
    bucket = hashlib.sha256(f"{task.NAME}/{key}".encode()).digest()[0] % 20
    return {0: "test", 1: "valid"}.get(bucket, "train")


def draw(task, split, rng):
    """One (input, answer) of a split."""
    while True:
        text, answer = task.sample(rng)
        if split_of(task, answer) == split:
            return text, answer


def draw_distinct(task, split, count, rng):
    """Examples of a split with pairwise different keys."""
    found = {}
    for _ in range(1000 * count):
        text, answer = draw(task, split, rng)
        found.setdefault(task.key(answer), (text, answer))
        if len(found) == count:
            return list(found.values())
    raise ValueError(f"{task.NAME} has fewer than {count} {split} examples")
