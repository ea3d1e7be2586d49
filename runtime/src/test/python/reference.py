"""What Transformers and PEFT compute: logits after a prompt, and greedy decoding."""

from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, GenerationConfig

GREEDY_TOKENS = 24


def open_model(model_folder: Path, adapter_folder: Path | None) -> torch.nn.Module:
    model = AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.float32)
    if adapter_folder is not None:
        model = PeftModel.from_pretrained(model, adapter_folder)
    return model.eval()


@torch.no_grad()
def last_logits(model: torch.nn.Module, ids: list[int]) -> torch.Tensor:
    return model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1]


@torch.no_grad()
def run_request(model_folder: Path, adapter_folder: Path | None, adapter: str | None, prompt: list[int]) -> dict:
    """One request alone, on a freshly opened model: dynamic rotary scaling keeps state in the model's modules."""
    model = open_model(model_folder, adapter_folder)
    out = model(input_ids=torch.tensor([prompt]), use_cache=True)
    logits = out.logits[0, -1]
    first, ids, margins = logits, [], []
    for step in range(GREEDY_TOKENS):
        best, second = logits.topk(2).values.tolist()
        ids.append(int(logits.argmax()))
        margins.append(best - second)
        if step + 1 < GREEDY_TOKENS:
            out = model(input_ids=torch.tensor([[ids[-1]]]), past_key_values=out.past_key_values, use_cache=True)
            logits = out.logits[0, -1]
    if not torch.isfinite(first).all():
        raise ValueError(f"{adapter}: logits are not finite")
    return {
        "adapter": adapter,
        "prompt_ids": prompt,
        "logits_last": [round(x, 6) for x in first.tolist()],
        "greedy_ids": ids,
        "greedy_margin": [round(x, 5) for x in margins],
    }


def agreeing_steps(ids: list[int], other: list[int], margins: list[float]) -> bool:
    """Whether two greedy runs agree up to the first step that is too close to call."""
    for a, b, margin in zip(ids, other, margins, strict=True):
        if a != b:
            return margin < 1e-3
    return True


@torch.no_grad()
def check_against_generate(model_folder: Path, adapter_folder: Path | None, request: dict) -> None:
    model = open_model(model_folder, adapter_folder)
    config = GenerationConfig(max_new_tokens=GREEDY_TOKENS, do_sample=False, pad_token_id=0)
    # Whatever is None in `config` is filled from the model's own, and then generate() would stop at its end token.
    (model.get_base_model() if adapter_folder is not None else model).generation_config = config
    prompt = torch.tensor([request["prompt_ids"]])
    out = model.generate(input_ids=prompt, attention_mask=torch.ones_like(prompt), generation_config=config)
    ids = out[0, prompt.shape[1] :].tolist()
    if not agreeing_steps(request["greedy_ids"], ids, request["greedy_margin"]):
        raise ValueError(f"{request['adapter']}: the greedy loop and generate() differ: {request['greedy_ids']} {ids}")


@torch.no_grad()
def check_without_cache(model_folder: Path, adapter_folder: Path | None, request: dict) -> None:
    model = open_model(model_folder, adapter_folder)
    prompt, ids = request["prompt_ids"], []
    for step in range(GREEDY_TOKENS):
        ids.append(int(last_logits(model, prompt + request["greedy_ids"][:step]).argmax()))
    if not agreeing_steps(request["greedy_ids"], ids, request["greedy_margin"]):
        raise ValueError(f"{request['adapter']}: decoding with and without a cache differ")
