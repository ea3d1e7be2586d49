"""Makes the reference outputs under src/test/resources: see README.md beside this file."""

import os
import sys

# Sets of names are written to adapter_config.json in hash order: fix it, so that a second run gives the same files.
if os.environ.get("PYTHONHASHSEED") != "0":
    os.environ["PYTHONHASHSEED"] = "0"
    os.execv(sys.executable, [sys.executable, *sys.argv])
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import argparse
import json
import shutil
import tempfile
import traceback
import warnings
from pathlib import Path

import torch
import transformers
from tokenizers import Tokenizer
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

import adapters
import cases
import checkpoints
import reference
import template_snippets
import vocabularies
from sets import SETS, GoldenSet, prompts_of

TEMPLATES = Path(__file__).parent / "templates"


def read_template(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def old_spelling(golden: GoldenSet, config: dict) -> dict:
    """The config as Transformers 4 wrote it."""
    config = dict(config)
    rope = dict(config.pop("rope_parameters"))
    config["rope_theta"] = rope.pop("rope_theta")
    rope_type = rope.pop("rope_type")
    config["rope_scaling"] = None if rope_type == "default" else {golden.rope_type_key: rope_type, **rope}
    config["torch_dtype"] = config.pop("dtype")
    config["transformers_version"] = "4.46.3"
    if golden.edit_old_config:
        config = golden.edit_old_config(config)
    return config


def write_configs(golden: GoldenSet, folder: Path) -> None:
    """model/config.json in the set's own spelling, and the other spelling beside golden.json."""
    path = folder / "model" / "config.json"
    new = json.loads(path.read_text(encoding="utf-8"))
    old = old_spelling(golden, new)
    if golden.old_spelling:
        checkpoints.write_json(path, old)
        checkpoints.write_json(folder / "config-v5.json", new)
    else:
        checkpoints.write_json(folder / "config-v4.json", old)
    if golden.generation_config is not None:
        version = "4.46.3" if golden.old_spelling else transformers.__version__
        checkpoints.write_json(
            folder / "model" / "generation_config.json", golden.generation_config | {"transformers_version": version}
        )


def write_tokenizer(golden: GoldenSet, folder: Path) -> None:
    tokenizer = golden.tokenizer()
    if not golden.old_spelling:
        template = None if golden.template is None else read_template(golden.template)
        PreTrainedTokenizerFast(tokenizer_object=tokenizer, chat_template=template, **golden.special).save_pretrained(folder)
        return
    added = {
        str(id): {
            "content": token.content,
            "lstrip": token.lstrip,
            "normalized": token.normalized,
            "rstrip": token.rstrip,
            "single_word": token.single_word,
            "special": token.special,
        }
        for id, token in sorted(tokenizer.get_added_tokens_decoder().items())
    }
    config = {"added_tokens_decoder": added}
    for name, content in golden.special.items():
        # The spelling of 2023: a special token as an object.
        config[name] = (
            {"__type": "AddedToken", "content": content, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False}
            if name == "bos_token"
            else content
        )
    if isinstance(golden.template, str):
        config["chat_template"] = read_template(golden.template)
    elif golden.template:
        config["chat_template"] = [{"name": n, "template": read_template(f)} for n, f in golden.template.items()]
    config["clean_up_tokenization_spaces"] = False
    config["model_max_length"] = 4096
    config["tokenizer_class"] = "PreTrainedTokenizerFast"
    vocabularies.write_tokenizer(folder, tokenizer, config, old_merges=golden.name == "llama-linear-v4")


def tokenizer_cases(folder: Path, texts: list[str]) -> list[dict]:
    loaded = AutoTokenizer.from_pretrained(folder)
    raw = Tokenizer.from_file(str(folder / "tokenizer.json"))
    result = []
    for text in texts:
        ids = loaded(text, add_special_tokens=False).input_ids
        with_special = loaded(text).input_ids
        decoded = loaded.decode(ids, skip_special_tokens=False)
        if ids != raw.encode(text, add_special_tokens=False).ids or with_special != raw.encode(text).ids:
            raise ValueError(f"Transformers and tokenizer.json disagree on {text!r}")
        if decoded != raw.decode(ids, skip_special_tokens=False):
            raise ValueError(f"Transformers and tokenizer.json disagree on decoding {text!r}")
        result.append(
            {
                "text": text,
                "ids": ids,
                "decoded": decoded,
                "ids_with_special": with_special,
                "decoded_skip_special": loaded.decode(with_special, skip_special_tokens=True),
            }
        )
    return result


def special_texts(golden: GoldenSet, folder: Path) -> list[str]:
    """Added tokens inside a text: alone, glued, doubled, cut off."""
    raw = Tokenizer.from_file(str(folder / "tokenizer.json"))
    added = [token.content for _, token in sorted(raw.get_added_tokens_decoder().items())]
    texts = [f"{t} in text" for t in added[:3]] + [f"a{t}b  {t}  c{t}{t}\n{t}" for t in added[-4:]]
    return texts + [added[-1][:-1] + " " + added[0][:4], "".join(added)]


def chat_case(tokenizer, case: dict) -> dict:
    case = {"add_generation_prompt": True, **case}
    try:
        text = tokenizer.apply_chat_template(
            case["messages"],
            tools=case.get("tools"),
            add_generation_prompt=case["add_generation_prompt"],
            tokenize=False,
            **case.get("variables", {}),
        )
    except Exception as error:
        if type(error).__name__ not in ("TemplateError", "UndefinedError"):
            raise
        return {"error": str(error)}
    return {"text": text, "ids": tokenizer(text, add_special_tokens=False).input_ids}


def write_golden(path: Path, golden: dict) -> None:
    """One case per line, so that a change shows as one."""
    parts = []
    for key, items in golden.items():
        lines = ",\n".join(json.dumps(item) for item in items)
        parts.append(f"{json.dumps(key)}: [\n{lines}\n]" if items else f"{json.dumps(key)}: []")
    path.write_text("{" + ",\n".join(parts) + "}\n", encoding="utf-8")


def check_spellings(golden: GoldenSet, folder: Path, prompt: list[int]) -> None:
    other = folder / ("config-v5.json" if golden.old_spelling else "config-v4.json")
    with tempfile.TemporaryDirectory() as scratch:
        copy = checkpoints.respelled(folder / "model", other, Path(scratch) / "model")
        a = reference.last_logits(reference.open_model(folder / "model", None), prompt)
        b = reference.last_logits(reference.open_model(copy, None), prompt)
    if not torch.equal(a, b):
        raise ValueError("the two spellings of the config give different logits")


def check_what_matters(golden: GoldenSet, folder: Path, prompt: list[int]) -> None:
    right = reference.last_logits(reference.open_model(folder / "model", None), prompt)
    for name, change in golden.must_matter.items():
        config = AutoConfig.from_pretrained(folder / "model")
        change(config)
        model = AutoModelForCausalLM.from_pretrained(folder / "model", config=config, dtype=torch.float32).eval()
        difference = float((reference.last_logits(model, prompt) - right).abs().max())
        print(f"  without {name}: logits move by {difference:.3f}")
        if difference < 0.02:
            raise ValueError(f"{name} hardly matters: {difference}")


def check_requests(golden: GoldenSet, requests: list[dict]) -> None:
    base = {tuple(r["prompt_ids"]): r for r in requests if r["adapter"] is None}
    margins = [m for r in requests for m in r["greedy_margin"]]
    for request in requests:
        if request["adapter"] is None:
            continue
        plain = base[tuple(request["prompt_ids"])]
        a, b = torch.tensor(request["logits_last"]), torch.tensor(plain["logits_last"])
        moved = float((a - b).norm() / b.norm())
        if request["greedy_ids"] == plain["greedy_ids"] or moved < 0.05:
            raise ValueError(f"{request['adapter']} hardly changes anything: {moved}")
    far = sum(m > 1e-2 for m in margins) / len(margins)
    spread = float(torch.tensor(requests[0]["logits_last"]).std())
    print(f"  {len(requests)} requests, margins above 1e-2: {far:.1%}, spread of the logits {spread:.2f}")


def make_set(golden: GoldenSet, out: Path) -> None:
    folder = out / golden.name
    shutil.rmtree(folder, ignore_errors=True)
    model_folder = folder / "model"
    model_folder.mkdir(parents=True)
    prompts = prompts_of(golden)

    checkpoints.write_checkpoint(model_folder, golden.config, golden.dtype, golden.seed, golden.shard_size)
    if golden.inverse_frequencies:
        config = golden.config
        head_dim = config["hidden_size"] // config["num_attention_heads"]
        theta = config["rope_parameters"]["rope_theta"]
        checkpoints.add_inverse_frequencies(model_folder, config["num_hidden_layers"], head_dim, theta)
    write_configs(golden, folder)
    write_tokenizer(golden, model_folder)
    check_spellings(golden, folder, prompts[-1])
    check_what_matters(golden, folder, prompts[-1])

    names = [None]
    for index, (name, recipe) in enumerate(golden.adapters.items()):
        recipe = recipe(prompts) if callable(recipe) else recipe
        adapters.write_adapter(
            model_folder, folder / "adapters" / name, f"tiny-{golden.name}", recipe, golden.seed + 100 + index
        )
        names.append(name)

    requests = []
    for name in names:
        adapter_folder = None if name is None else folder / "adapters" / name
        for prompt in prompts:
            requests.append(reference.run_request(model_folder, adapter_folder, name, prompt))
        reference.check_against_generate(model_folder, adapter_folder, requests[-1])
        if golden.config["rope_parameters"]["rope_type"] != "dynamic":
            reference.check_without_cache(model_folder, adapter_folder, requests[-1])
    check_requests(golden, requests)

    result = {"requests": requests}
    result["tokenizer"] = tokenizer_cases(model_folder, cases.TEXTS + special_texts(golden, model_folder))
    result["chat"], result["chat_extra"] = [], []
    if golden.template is not None:
        tokenizer = AutoTokenizer.from_pretrained(model_folder)
        conversations = cases.CONVERSATIONS if golden.template != "generation.jinja" else cases.CONVERSATIONS[:2]
        result["chat"] = [{"messages": m, **chat_case(tokenizer, {"messages": m})} for m in conversations]
        if any("error" in case for case in result["chat"]):
            raise ValueError("a plain conversation is refused by the template")
        for name in golden.extra_chats:
            case = cases.EXTRA_CHATS[name]
            result["chat_extra"].append({"name": name, **case, **chat_case(tokenizer, case)})
    write_golden(folder / "golden.json", result)


def make_unigram(out: Path) -> None:
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"}
    vocabularies.write_tokenizer(out, vocabularies.unigram(300), config)
    write_golden(out / "golden.json", {"tokenizer": tokenizer_cases(out, cases.TEXTS)})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder that gets golden/, tokenizers/ and templates/")
    parser.add_argument("--only", nargs="*", help="names of sets; default all, with tokenizers and templates")
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # matrices this small gain nothing from more
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    warnings.simplefilter("ignore")

    failed = []
    for golden in SETS:
        if arguments.only and golden.name not in arguments.only:
            continue
        print(golden.name, flush=True)
        try:
            make_set(golden, arguments.out / "golden")
        except Exception:
            traceback.print_exc()
            failed.append(golden.name)
    if not arguments.only:
        make_unigram(arguments.out / "tokenizers" / "unigram")
        template_snippets.write_snippets(arguments.out / "templates" / "snippets.json")
    if failed:
        print("failed:", ", ".join(failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
