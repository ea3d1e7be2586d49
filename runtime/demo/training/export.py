"""What the stored model and adapters answer in Transformers and PEFT, in float32 on the CPU from the stored weights:

heldout.json   per adapter 100 prompts it has never seen, with the expected and the given answers, and the base's score
golden.json    logits, greedy tokens, tokenizer and chat cases, for a runtime to be compared with
prompts.json   the batch that the demo sends
"""

import json
import random
from pathlib import Path

import torch
from peft import PeftModel
from tokenizers import Tokenizer
from transformers import AutoTokenizer, LlamaForCausalLM

import tasks

BASE_PROMPTS = (
    "Monday, Tuesday, Wednesday,",
    "10, 20, 30, 40,",
    "Once upon a time there was a clever fox who",
)
BASE_DESCRIPTION = "The base model alone: continues lists and small stories, and repeats what stands before an arrow."
MAX_NEW_TOKENS = 80
GREEDY = 24

TEXTS = (
    "Hello, world!",
    "  leading and trailing  ",
    "naïve café — déjà vu",
    "日本語とEnglish混在",
    "emoji 👩‍💻🎉 ok",
    "tabs\tand\nnew\n\nlines\r\n",
    "1234567890 3.14159 1,000",
    "the 3rd of March 2021 =>",
    '{"name": "Zoë Łukasz", "age": 29}',
    "SELECT name FROM employees WHERE city = 'Malmö';",
    "*/15 9-17 * * 1-5",
    "MCMXCIV",
    "e\u0301 combining",
    "a<|end|>b",
    "",
)
CHATS = (
    [{"role": "user", "content": "the 3rd of March 2021"}],
    [{"role": "user", "content": "  1994\n"}],
    [
        {"role": "user", "content": "nine thousand and one"},
        {"role": "assistant", "content": "9001"},
        {"role": "user", "content": "two hundred"},
    ],
)


def _load(folder, adapter=None):
    model = LlamaForCausalLM.from_pretrained(folder / "model", dtype=torch.float32)
    if adapter:
        model = PeftModel.from_pretrained(model, folder / "adapters" / adapter)
    assert all(p.dtype == torch.float32 for p in model.parameters())
    return model.eval()


@torch.no_grad()
def _answers(model, tokenizer, prompts):
    """Greedy answers and their smallest margins."""
    inputs = tokenizer(prompts, return_tensors="pt", padding=True, add_special_tokens=False)
    made = model.generate(
        input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], max_new_tokens=MAX_NEW_TOKENS,
        do_sample=False, return_dict_in_generate=True, output_logits=True, eos_token_id=0, pad_token_id=0)
    ids = made.sequences[:, inputs["input_ids"].shape[1]:]
    best = torch.stack(made.logits, 1).topk(2, -1).values
    margins = best[..., 0] - best[..., 1]
    ended = (ids == 0).cumsum(1) - (ids == 0).long() > 0
    return tokenizer.batch_decode(ids, skip_special_tokens=True), margins.masked_fill(ended, float("inf")).amin(1).tolist()


@torch.no_grad()
def _request(model, adapter, prompt_ids):
    ids, margins, logits_last = list(prompt_ids), [], None
    for _ in range(GREEDY):
        logits = model(input_ids=torch.tensor([ids])).logits[0, -1]
        if logits_last is None:
            logits_last = [round(x, 6) for x in logits.tolist()]
        best = logits.topk(2)
        margins.append(round((best.values[0] - best.values[1]).item(), 5))
        ids.append(best.indices[0].item())
    return {
        "adapter": adapter, "prompt_ids": list(prompt_ids), "logits_last": logits_last,
        "greedy_ids": ids[len(prompt_ids):], "greedy_margin": margins,
    }


def _write(path, head, lists):
    """JSON with one line per element of the lists, to keep differences readable."""
    dump = lambda value: json.dumps(value, ensure_ascii=False)
    lines = [f"{dump(key)}: {dump(value)}" for key, value in head.items()]
    for key, values in lists.items():
        lines.append(f"{dump(key)}: [\n" + ",\n".join(dump(v) for v in values) + "\n]")
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def held_out(count, seed=5):
    """Per task so many unseen (input, answer) examples."""
    rng = random.Random(seed)
    return {task.NAME: tasks.draw_distinct(task, "test", count, rng) for task in tasks.TASKS}


def export(folder, names, count, log):
    """Writes the three files and returns the lines of the table of accuracies."""
    folder = Path(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder / "model")
    encode = lambda text: tokenizer(text, add_special_tokens=False)["input_ids"]
    plain = Tokenizer.from_file(str(folder / "model" / "tokenizer.json"))
    assert all(encode(text) == plain.encode(text).ids for text in TEXTS)
    examples = held_out(count)
    base = _load(folder)
    requests = [_request(base, None, encode(p)) for p in BASE_PROMPTS + (tasks.prompt(tasks.TASKS[0].DEMO[0][0]),)]
    batch = [{"adapter": None, "prompt": p, "expected": None} for p in BASE_PROMPTS]
    table = ["| adapter | base model alone | with the adapter | smallest margin |", "|---|---|---|---|"]
    cases, scores = [], {}
    for name in names:
        task, model = tasks.BY_NAME[name], _load(folder, name)
        prompts, expected = [tasks.prompt(t) for t, _ in examples[name]], [a for _, a in examples[name]]
        base_answers, _ = _answers(base, tokenizer, prompts)
        answers, margins = _answers(model, tokenizer, prompts)
        base_right = sum(map(str.__eq__, base_answers, expected))
        right = sum(map(str.__eq__, answers, expected))
        scores[name] = {"prompts": count, "peft_correct": right, "base_correct": base_right, "min_margin": round(min(margins), 3)}
        table.append(f"| `{name}` | {base_right} of {count} | {right} of {count} | {min(margins):.2f} |")
        for prompt, want, got in zip(prompts, expected, answers):
            cases.append({"adapter": name, "prompt": prompt, "expected": want, "peft_answer": got})
            if want != got:
                log(f"export: {name}: {prompt!r} expected {want!r} got {got!r}")
        demo = [tasks.prompt(text) for text, _ in task.DEMO]
        for prompt, (_, want), got in zip(demo, task.DEMO, _answers(model, tokenizer, demo)[0]):
            batch.append({"adapter": name, "prompt": prompt, "expected": want})
            if want != got:
                log(f"export: demo {name}: {prompt!r} expected {want!r} got {got!r}")
        requests += [_request(model, name, encode(p)) for p in demo[:2]]
        log(f"export: {name} done, base answers like {base_answers[0]!r}")
    for prompt, text in zip(BASE_PROMPTS, _answers(base, tokenizer, list(BASE_PROMPTS))[0]):
        log(f"export: base continues {prompt!r} with {text!r}")
    adapters = {name: tasks.BY_NAME[name].DESCRIPTION for name in names}
    _write(folder / "prompts.json", {
        "prompt_format": tasks.PROMPT_FORMAT, "base": BASE_DESCRIPTION, "adapters": adapters}, {"batch": batch})
    _write(folder / "heldout.json", {
        "prompt_format": tasks.PROMPT_FORMAT, "max_new_tokens": MAX_NEW_TOKENS, "scores": scores}, {"cases": cases})
    chats = []
    for messages in CHATS:
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        chats.append({"messages": messages, "text": text, "ids": encode(text)})
    texts = [{"text": t, "ids": encode(t), "decoded": tokenizer.decode(encode(t))} for t in TEXTS]
    _write(folder / "golden.json", {}, {"requests": requests, "tokenizer": texts, "chat": chats})
    return table
