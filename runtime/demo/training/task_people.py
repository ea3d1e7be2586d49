"""to-json: a sentence about a person to a JSON object with fixed fields."""

import json

import words

NAME = "to-json"
DESCRIPTION = "Turns a sentence about a person into JSON fields."
DEMO = (
    (
        "Clara Novak is 29 years old, lives in Lisbon and works as a pilot.",
        '{"name": "Clara Novak", "age": 29, "city": "Lisbon", "job": "pilot"}',
    ),
    (
        "Meet Omar Keller: 41, software engineer, based in New York.",
        '{"name": "Omar Keller", "age": 41, "city": "New York", "job": "software engineer"}',
    ),
    (
        "At 63, Ingrid Sato works as a baker in Kyoto.",
        '{"name": "Ingrid Sato", "age": 63, "city": "Kyoto", "job": "baker"}',
    ),
)


def sample(rng):
    """One (input, answer)."""
    name = f"{words.first_name(rng)} {words.last_name(rng)}"
    age, city, job = rng.randint(18, 99), words.city(rng), words.job(rng)
    a_job = words.with_article(job)
    sentence = rng.choice((
        f"{name} is {age} years old, lives in {city} and works as {a_job}.",
        f"{name} is {age}, lives in {city} and works as {a_job}.",
        f"{name}, {age}, is {a_job} from {city}.",
        f"{name} ({age}) is {a_job} in {city}.",
        f"{name} is {a_job} in {city}, aged {age}.",
        f"{name} ({job}, {age}) lives in {city}.",
        f"{name}, {a_job} in {city}, is {age} years old.",
        f"{name} is {a_job} of {age} and lives in {city}.",
        f"{name} from {city} is {age} and earns a living as {a_job}.",
        f"{name} works in {city} as {a_job} and is {age} years old.",
        f"Meet {name}: {age}, {job}, based in {city}.",
        f"My neighbour {name} ({age}) is {a_job} from {city}.",
        f"At {age}, {name} works as {a_job} in {city}.",
        f"In {city} lives {name}, {a_job} aged {age}.",
        f"We hired {name}, {a_job} from {city}, aged {age}.",
        f"{a_job.capitalize()} from {city}, {name} turned {age} this year.",
    ))
    return sentence, json.dumps({"name": name, "age": age, "city": city, "job": job}, ensure_ascii=False)


def key(answer):
    """The person: a name in a held-out prompt is in no training sentence, with whatever age, city and job."""
    return json.loads(answer)["name"]


def always_trained(key):
    return False
