"""Token rows for training, made by several processes.

Rows have one token more than the model sees at once: position i predicts token i + 1. 'first' and 'last' give the
positions whose predictions count; after 'last' a row continues with end-of-text.
"""

import hashlib
import multiprocessing
import random
from typing import NamedTuple

import numpy as np
from tokenizers import Tokenizer

import corpus
import tasks

TAIL = 24
"""How many end-of-text tokens after an answer a model learns to predict: decoding past the end stays predictable."""


class Rows(NamedTuple):
    tokens: np.ndarray  # int16 [rows, length + 1]
    first: np.ndarray  # int16 [rows]
    last: np.ndarray  # int16 [rows]
    prompts: np.ndarray  # int64 [rows], a digest of each prompt's text; empty for the base model's rows


_tokenizer = None


def _start(tokenizer_json):
    global _tokenizer
    _tokenizer = Tokenizer.from_str(tokenizer_json)


def digest(prompt):
    return int.from_bytes(hashlib.blake2b(prompt.encode(), digest_size=8).digest(), "little", signed=True)


def encode_examples(tokenizer, examples, length):
    """Rows of (input, answer) examples; those that don't fit are left out."""
    tokens, first, last, prompts = [], [], [], []
    for text, answer in examples:
        prompt = tasks.prompt(text)
        prompt_ids, answer_ids = tokenizer.encode(prompt).ids, tokenizer.encode(answer).ids
        used = len(prompt_ids) + len(answer_ids)
        if used + 1 > length:
            continue
        tokens.append(prompt_ids + answer_ids + [0] * (length + 1 - used))
        first.append(len(prompt_ids) - 1)
        last.append(used - 1)
        prompts.append(digest(prompt))
    return Rows(*(np.array(a, t) for a, t in zip((tokens, first, last, prompts), (np.int16,) * 3 + (np.int64,))))


def _base_chunk(job):
    seed, rows, length = job
    rng = random.Random(seed)
    made = np.empty((rows, length + 1), np.int16)
    for row in made:
        used = []
        while len(used) < len(row):
            used += _tokenizer.encode(corpus.document(rng)).ids + [0]
        row[:] = used[: len(row)]
    return Rows(made, np.zeros(rows, np.int16), np.full(rows, length - 1, np.int16), np.empty(0, np.int64))


def _task_chunk(job):
    name, seed, count, length = job
    rng, task = random.Random(seed), tasks.BY_NAME[name]
    return encode_examples(_tokenizer, (tasks.draw(task, "train", rng) for _ in range(count)), length)


def _joined(chunks):
    return Rows(*(np.concatenate(parts) for parts in zip(*chunks)))


def row_length(tokenizer, task, rng):
    """How long a task's rows must be: its longest example and the tail."""
    longest = 0
    for _ in range(4000):
        text, answer = task.sample(rng)
        longest = max(longest, len(tokenizer.encode(tasks.prompt(text)).ids) + len(tokenizer.encode(answer).ids))
    return -(-(longest + TAIL + 2) // 16) * 16


def make(tokenizer, base_rows, base_length, lengths, examples, seed=2):
    """The base model's rows, and for each task in lengths (name -> row length) that many examples."""
    parts = 32
    base_jobs = [(f"base {seed} {i}", base_rows // parts, base_length) for i in range(parts if base_rows else 0)]
    task_jobs = {
        name: [(name, f"{name} {seed} {i}", examples // parts, length) for i in range(parts)]
        for name, length in lengths.items()
    }
    with multiprocessing.get_context("fork").Pool(initializer=_start, initargs=(tokenizer.to_str(),)) as pool:
        base = pool.map_async(_base_chunk, base_jobs, 1)
        chunks = {name: pool.map_async(_task_chunk, jobs, 1) for name, jobs in task_jobs.items()}
        return (_joined(base.get()) if base_rows else None), {name: _joined(c.get()) for name, c in chunks.items()}
