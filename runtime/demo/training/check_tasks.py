"""Checks the tasks without any model: answers against independent readers, and the splits against each other.

Needs nothing but Python. Run it after changing a task:  python3 check_tasks.py
"""

import collections
import datetime
import json
import random
import re
import sqlite3

import corpus
import task_dates
import task_numbers
import task_people
import task_queries
import task_romans
import task_schedules
import tasks
import words

COUNT = 20000


def read_number(text):
    total = group = 0
    for word in text.lower().replace("-", " ").replace(",", "").split():
        if word in words.ONES:
            group += words.ONES.index(word)
        elif word in words.TENS:
            group += 10 * words.TENS.index(word)
        elif word == "a":
            group += 1
        elif word == "hundred":
            group *= 100
        elif word in ("thousand", "million"):
            total, group = total + group * (1000 if word == "thousand" else 1_000_000), 0
        else:
            assert word == "and", word
    return total + group


def read_roman(text):
    values = [dict(I=1, V=5, X=10, L=50, C=100, D=500, M=1000)[c] for c in text]
    return sum(-v if v < following else v for v, following in zip(values, values[1:] + [0]))


def check_date(text, answer):
    date, text = datetime.date.fromisoformat(answer), text.lower()
    assert str(date.year) in text and date.strftime("%b").lower() in text, text
    numbers = [int(n) for n in re.findall(r"\d+", text)]
    assert date.day in numbers or words.ORDINALS[date.day] in text, text
    if "day" in text:
        assert date.strftime("%A").lower() in text, text


def check_number(text, answer):
    assert read_number(text) == int(answer), text


def check_person(text, answer):
    fields = json.loads(answer)
    assert list(fields) == ["name", "age", "city", "job"]
    assert fields["name"] in text and str(fields["age"]) in text and fields["city"] in text, text
    assert fields["job"].lower() in text.lower(), text


def check_query(text, answer, database=sqlite3.connect(":memory:")):
    database.execute("CREATE TABLE IF NOT EXISTS employees(name, department, city, salary, hired)")
    database.execute("CREATE TABLE IF NOT EXISTS products(name, category, price, stock)")
    database.execute(answer)
    numbers = lambda s: sorted(re.findall(r"\d+", s))
    assert numbers(text) == numbers(answer), text


def check_schedule(text, answer):
    assert (" and " in text) == ("," in answer) or "weekend" in text, text
    limits = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
    fields = answer.split()
    assert len(fields) == 5
    for field, (low, high) in zip(fields, limits):
        assert all(low <= int(n) <= high for n in re.findall(r"\d+", field.replace("*/", ""))), answer
    clock = re.search(r"(\d+):(\d\d)( ?am| ?pm| in the \w+| at night)?", text)
    if clock:
        hour, minute, part = int(clock[1]), int(clock[2]), (clock[3] or "").split()[-1:]
        if part and part[0] in ("am", "morning") or part == ["night"] and hour == 12:
            hour %= 12
        elif part:
            hour = hour % 12 + 12
        assert fields[:2] == [str(minute), str(hour)], (text, answer)


def check_roman(text, answer):
    assert read_roman(answer) == int(text.split()[-1]), text


CHECKS = {
    task_dates: check_date, task_numbers: check_number, task_people: check_person, task_queries: check_query,
    task_schedules: check_schedule, task_romans: check_roman,
}


def main():
    rng = random.Random(7)
    for task in tasks.TASKS:
        answers, keys, counts = {}, collections.defaultdict(set), collections.Counter()
        for text, answer in list(task.DEMO) + [task.sample(rng) for _ in range(COUNT)]:
            CHECKS[task](text, answer)
            assert answers.setdefault(text, answer) == answer, f"two answers to {text!r}"
            split = tasks.split_of(task, answer)
            keys[split].add(task.key(answer))
            counts[split] += 1
        for split in keys:
            for other in keys:
                assert split == other or not keys[split] & keys[other]
        assert all(tasks.split_of(task, answer) == "demo" for _, answer in task.DEMO)
        assert len(tasks.draw_distinct(task, "test", 100, rng)) == 100
        assert not any("=>" in text for text in answers)
        print(f"{task.NAME:13s} {dict(counts)}  longest {max(len(t) + len(a) for t, a in answers.items())} characters")
    held_out = {text for task in tasks.TASKS for text, answer in (task.sample(rng) for _ in range(COUNT))
                if tasks.split_of(task, answer) != "train"}
    for _ in range(COUNT):
        text = corpus.document(rng)
        assert not any(line.partition(" =>")[0] in held_out for line in text.split("\n")), text
        before, arrow, after = text.partition(" =>")
        assert not arrow or before == after, text
    print(f"{COUNT} base documents: no held-out input, and nothing but the same line after the arrow")


if __name__ == "__main__":
    main()
