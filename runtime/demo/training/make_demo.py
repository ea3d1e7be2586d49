"""Makes the demo model from nothing: tokenizer, base model, adapters, and the files that say what they answer.

    python3 make_demo.py                     under five minutes on one H200
    python3 make_demo.py --smoke --out DIR   every step in miniature, to see that it runs
    python3 make_demo.py --keep-base --only to-sql,to-cron
"""

import argparse
import os
import random
import shutil
import time
from pathlib import Path

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from tokenizers import Tokenizer

import data
import tasks
import tokenizer as tokenizers

STARTED = time.monotonic()


def log(text):
    print(f"{time.monotonic() - STARTED:6.1f} s  {text}", flush=True)


def arguments():
    parser = argparse.ArgumentParser(description="Makes the demo model and its adapters.")
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent.parent, help="the folder to write to")
    parser.add_argument("--smoke", action="store_true", help="a few steps of everything; the result is useless")
    parser.add_argument("--no-graphs", action="store_true", help="train without CUDA graphs (several times slower)")
    parser.add_argument("--keep-base", action="store_true", help="train adapters on the base model that is there")
    parser.add_argument("--only", default="", help="train these adapters only, separated by commas")
    parser.add_argument("--base-steps", type=int, default=10000)
    parser.add_argument("--base-seconds", type=float, default=100, help="fewer steps if they would take longer")
    parser.add_argument("--adapter-steps", type=int, default=6000)
    parser.add_argument("--adapter-seconds", type=float, default=170)
    options = parser.parse_args()
    if options.smoke:
        options.base_steps, options.adapter_steps, options.adapter_seconds = 40, 40, 4
    return options


def make_data(options, tokenizer, names):
    rng = random.Random(6)
    small = options.smoke
    lengths = {name: data.row_length(tokenizer, tasks.BY_NAME[name], rng) for name in names}
    base_rows = 0 if options.keep_base else 640 if small else 96000
    base, rows = data.make(tokenizer, base_rows, 256, lengths, 3200 if small else 128000)
    valid = {
        name: data.encode_examples(
            tokenizer, [tasks.draw(tasks.BY_NAME[name], "valid", rng) for _ in range(100 if small else 1000)], length)
        for name, length in lengths.items()
    }
    return base, rows, valid


def check_unseen(rows, examples):
    """No held-out or demo prompt may be among the training prompts, not even by accident."""
    for name, made in rows.items():
        unseen = [text for text, _ in examples[name]] + [text for text, _ in tasks.BY_NAME[name].DEMO]
        assert not set(made.prompts.tolist()) & {data.digest(tasks.prompt(text)) for text in unseen}, name


def main():
    options = arguments()
    model_folder, adapters_folder = options.out / "model", options.out / "adapters"
    all_names = [task.NAME for task in tasks.TASKS]
    names = options.only.split(",") if options.only else all_names
    if options.keep_base:
        tokenizer = Tokenizer.from_file(str(model_folder / "tokenizer.json"))
    else:
        shutil.rmtree(model_folder, ignore_errors=True)
        tokenizer = tokenizers.train(4000 if options.smoke else 60000)
    log(f"tokenizer: {tokenizer.get_vocab_size()} tokens")
    base_rows, rows, valid = make_data(options, tokenizer, names)
    lengths = ", ".join(f"{name} {len(r.tokens)} x {r.tokens.shape[1] - 1}" for name, r in rows.items())
    log(f"data: base {0 if base_rows is None else len(base_rows.tokens)} x 256, {lengths}")

    import torch
    import transformers

    import export
    import train_adapters
    import train_base

    transformers.utils.logging.disable_progress_bar()
    check_unseen(rows, export.held_out(100))
    torch.set_float32_matmul_precision("high")
    graphs = not options.no_graphs
    if not options.keep_base:
        train_base.train(base_rows, tokenizer, model_folder, options.base_steps, options.base_seconds, graphs, log)
        torch.cuda.empty_cache()
    for name in names:
        shutil.rmtree(adapters_folder / name, ignore_errors=True)
    for name, wrong in train_adapters.train(
            rows, valid, model_folder, adapters_folder, options.adapter_steps, options.adapter_seconds, graphs, log):
        for i in wrong:
            ids = valid[name].tokens[i].tolist()
            log(f"adapters: {name} misses {tokenizer.decode(ids[: ids.index(0)])!r}")
    present = [name for name in all_names if (adapters_folder / name / "adapter_config.json").exists()]
    torch.set_num_threads(min(8, os.cpu_count()))
    table = export.export(options.out, present, 8 if options.smoke else 100, log)
    log("done")
    print("\n".join(table))
    for path in sorted(options.out.rglob("*")):
        if path.is_file() and path.suffix in (".safetensors", ".json"):
            print(f"{path.stat().st_size:9d} {path.relative_to(options.out)}")


if __name__ == "__main__":
    main()
