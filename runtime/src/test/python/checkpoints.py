"""Tiny checkpoints with random weights, in the Hugging Face layout."""

import json
import math
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM

DTYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}


def write_json(path: Path, value) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def randomise(model: torch.nn.Module, tied: bool, seed: int) -> None:
    """Fills the weights so that activations keep their scale and logits spread by one or two units."""
    generator = torch.Generator().manual_seed(seed)

    def normal(shape, std, mean=0.0):
        return torch.randn(shape, generator=generator) * std + mean

    with torch.no_grad():
        for name, parameter in model.named_parameters():
            shape = parameter.shape
            if name.endswith("norm.weight"):
                # A q/k norm of 1 would leave attention almost flat, and then positions hardly matter.
                mean = 1.6 if name.endswith(("q_norm.weight", "k_norm.weight")) else 1.0
                value = normal(shape, 0.15, mean)
            elif name.endswith("bias"):
                value = normal(shape, 0.2)
            elif "embed_tokens" in name:
                value = normal(shape, 0.35 if tied else 1.0)
            else:
                value = normal(shape, 1.6 / math.sqrt(shape[1]))
            parameter.copy_(value)


def write_checkpoint(folder: Path, config: dict, dtype: str, seed: int, shard_size: str | None = None) -> None:
    """Writes config.json as Transformers 5 spells it, and the weights, in one file or in shards."""
    config = dict(config)
    model_config = AutoConfig.for_model(config.pop("model_type"), **config)
    model = AutoModelForCausalLM.from_config(model_config, dtype=torch.float32)
    randomise(model, bool(model_config.tie_word_embeddings), seed)
    model.to(DTYPES[dtype])
    model.config.dtype = DTYPES[dtype]
    model.save_pretrained(folder, max_shard_size=shard_size or "1GB")
    generation_config = folder / "generation_config.json"
    if generation_config.exists():
        generation_config.unlink()


def add_inverse_frequencies(folder: Path, layers: int, head_dim: int, theta: float) -> None:
    """Adds the rotary buffers that checkpoints of 2023 still carry; readers skip them."""
    path = folder / "model.safetensors"
    tensors = load_file(path)
    inverse = 1.0 / (theta ** (torch.arange(0, head_dim, 2, dtype=torch.float32) / head_dim))
    for layer in range(layers):
        tensors[f"model.layers.{layer}.self_attn.rotary_emb.inv_freq"] = inverse.clone()
    save_file(tensors, path, metadata={"format": "pt"})


def respelled(folder: Path, config_file: Path, target: Path) -> Path:
    """A copy of the checkpoint under another config.json, to compare the two spellings."""
    shutil.copytree(folder, target)
    shutil.copy(config_file, target / "config.json")
    return target
