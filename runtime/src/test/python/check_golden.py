"""Computes a golden folder's requests anew from its files and reports what differs. Writes nothing."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import argparse
import json
import sys
import warnings
from pathlib import Path

import torch
import transformers

import reference


def check(folder: Path) -> int:
    worst, wrong, count = 0.0, 0, 0
    for request in json.loads((folder / "golden.json").read_text(encoding="utf-8"))["requests"]:
        adapter = request["adapter"]
        adapter_folder = None if adapter is None else folder / "adapters" / adapter
        again = reference.run_request(folder / "model", adapter_folder, adapter, request["prompt_ids"])
        difference = torch.tensor(again["logits_last"]) - torch.tensor(request["logits_last"])
        worst = max(worst, float(difference.abs().max()))
        wrong += not reference.agreeing_steps(request["greedy_ids"], again["greedy_ids"], request["greedy_margin"])
        count += 1
    print(f"{folder.name}: {count} requests, logits within {worst:.1e}, {wrong} greedy runs differ", flush=True)
    return wrong + (worst > 1e-3)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+", help="folders that hold model/, adapters/ and golden.json")
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    warnings.simplefilter("ignore")
    return 1 if sum(check(folder) for folder in parser.parse_args().folders) else 0


if __name__ == "__main__":
    sys.exit(main())
