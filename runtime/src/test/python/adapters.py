"""PEFT adapters with random weights, saved by PEFT itself."""

import json
import math
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from checkpoints import DTYPES

ADAPTER_PARTS = ("lora_", "modules_to_save", "trainable_tokens_delta")


def randomise(peft_model: torch.nn.Module, gain: float, seed: int) -> None:
    """Random values in every adapter tensor, none left at the zeros or copies that PEFT starts from."""
    generator = torch.Generator().manual_seed(seed)

    def normal(shape, std):
        return torch.randn(shape, generator=generator) * std

    with torch.no_grad():
        for name, parameter in peft_model.named_parameters():
            shape = parameter.shape
            old = parameter.detach().float()
            if not any(part in name for part in ADAPTER_PARTS):
                continue
            if "lora_embedding_A" in name:
                value = normal(shape, 0.6)
            elif "lora_embedding_B" in name:
                value = normal(shape, 0.6 * gain / math.sqrt(shape[1]))
            elif "lora_A" in name:
                value = normal(shape, 0.5 / math.sqrt(shape[1]))
            elif "lora_B" in name and name.endswith("bias"):
                value = normal(shape, 0.25)
            elif "lora_B" in name:
                value = normal(shape, 0.5 * gain / math.sqrt(shape[1]))
            elif "lora_magnitude_vector" in name:
                value = old * (0.6 + 0.9 * torch.rand(shape, generator=generator))
            elif "trainable_tokens_delta" in name:
                value = normal(shape, float(old.std()) * 1.2)
            elif parameter.dim() == 1:  # a norm kept whole by modules_to_save
                value = old * (1.0 + normal(shape, 0.4))
            else:  # an embedding or a head kept whole by modules_to_save
                value = old + normal(shape, 0.6 * float(old.std()))
            parameter.copy_(value)


def write_adapter(model_folder: Path, folder: Path, base_name: str, recipe: dict, seed: int) -> None:
    """Makes one adapter. `recipe` holds LoraConfig's arguments and these of our own:

    dtype: element type of the adapter's own tensors; gain: factor on B; save_embedding_layers: as in save_pretrained;
    edit_config: callable on the parsed adapter_config.json; edit_tensors: callable on the dict of tensors.
    """
    recipe = dict(recipe)
    dtype = recipe.pop("dtype", "f32")
    gain = recipe.pop("gain", 1.0)
    save_embedding_layers = recipe.pop("save_embedding_layers", "auto")
    edit_config = recipe.pop("edit_config", None)
    edit_tensors = recipe.pop("edit_tensors", None)
    recipe.setdefault("task_type", "CAUSAL_LM")

    # As in training: the base model stays in the type it is stored in.
    model = AutoModelForCausalLM.from_pretrained(model_folder, dtype="auto")
    peft_model = get_peft_model(model, LoraConfig(base_model_name_or_path=base_name, **recipe))
    # PEFT puts the folder it loaded from here, which is nobody's business.
    peft_model.peft_config["default"].base_model_name_or_path = base_name
    randomise(peft_model, gain, seed)
    for name, parameter in peft_model.named_parameters():
        if any(part in name for part in ADAPTER_PARTS):
            parameter.data = parameter.data.to(DTYPES[dtype])
    peft_model.save_pretrained(folder, save_embedding_layers=save_embedding_layers)
    (folder / "README.md").unlink(missing_ok=True)

    if edit_config:
        path = folder / "adapter_config.json"
        config = edit_config(json.loads(path.read_text(encoding="utf-8")))
        path.write_text(json.dumps(config, indent=2, sort_keys=True), encoding="utf-8")
    if edit_tensors:
        path = folder / "adapter_model.safetensors"
        save_file(edit_tensors(load_file(path)), path, metadata={"format": "pt"})
