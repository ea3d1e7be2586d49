"""What is generated: one entry per folder under golden/."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch

import vocabularies

ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj"]
MLP = ["gate_proj", "up_proj", "down_proj"]
ALL = ATTENTION + MLP


@dataclass(frozen=True)
class GoldenSet:
    name: str
    seed: int
    # As Transformers 5 spells it, with model_type.
    config: dict
    dtype: str
    tokenizer: Callable
    special: dict  # bos_token and the like
    # A file in templates/, a dict of name to file for several, or None.
    template: str | dict | None
    # Recipes for adapters.write_adapter, or functions from the prompts to one.
    adapters: dict
    old_spelling: bool = False
    # Called on the old spelling's config.json, to drop what older files lack.
    edit_old_config: Callable[[dict], dict] | None = None
    # Rope scaling was first spelled "type", then "rope_type".
    rope_type_key: str = "rope_type"
    shard_size: str | None = None
    generation_config: dict | None = None
    prompt_lengths: tuple = (1, 9, 41, 130)
    extra_chats: tuple = ()
    # Name to a change of the loaded config that must change the logits of the longest prompt.
    must_matter: dict = field(default_factory=dict)
    inverse_frequencies: bool = False


def prompts_of(golden: GoldenSet) -> list[list[int]]:
    generator = torch.Generator().manual_seed(golden.seed + 1)
    vocabulary = golden.config["vocab_size"]
    return [torch.randint(vocabulary, (n,), generator=generator).tolist() for n in golden.prompt_lengths]


def token_indices(prompts: list[list[int]], offset: int = 0) -> list[int]:
    """A dozen tokens that the prompts use, in no order."""
    used = prompts[0] + prompts[-1][-(8 + offset) :] + prompts[1][: 6 + offset]
    return list(dict.fromkeys(used[offset:]))[::-1]


def plain_rope(config) -> None:
    config.rope_parameters = {"rope_type": "default", "rope_theta": config.rope_parameters["rope_theta"]}


def rope(**changes) -> Callable:
    def change(config) -> None:
        config.rope_parameters = {**config.rope_parameters, **changes}

    return change


def attributes(**changes) -> Callable:
    def change(config) -> None:
        for key, value in changes.items():
            setattr(config, key, value)

    return change


def drop(*keys) -> Callable[[dict], dict]:
    return lambda config: {key: value for key, value in config.items() if key not in keys}


def keep(*keys) -> Callable[[dict], dict]:
    return lambda config: {key: value for key, value in config.items() if key in keys}


# What PEFT 0.3 wrote.
FIRST_KEYS = (
    "base_model_name_or_path bias fan_in_fan_out inference_mode init_lora_weights layers_pattern layers_to_transform "
    "lora_alpha lora_dropout modules_to_save peft_type r revision target_modules task_type"
).split()


def with_training_fields(config: dict) -> dict:
    """Fields that matter in training only, and one that a later PEFT might add."""
    return config | {
        "auto_mapping": {"base_model_class": "Qwen2ForCausalLM", "parent_library": "transformers.models.qwen2"},
        "base_model_name_or_path": None,
        "inference_mode": False,
        "init_lora_weights": "gaussian",
        "lora_alpha": 10.5,
        "lora_dropout": 0.1,
        "revision": "main",
        "some_later_training_knob": None,
        "target_modules": config["target_modules"] + ["module_of_another_model"],
        "task_type": None,
    }


def without_layer_one(tensors: dict) -> dict:
    return {name: tensor for name, tensor in tensors.items() if ".layers.1." not in name}


def with_moved_base(tensors: dict) -> dict:
    """The base matrices in the file differ from the checkpoint's, as after training on another rounding of it."""
    generator = torch.Generator().manual_seed(77)
    moved = {}
    for name, tensor in tensors.items():
        if name.endswith("base_layer.weight"):
            noise = torch.randn(tensor.shape, generator=generator) * 0.2 * float(tensor.float().std())
            tensor = (tensor.float() + noise).to(tensor.dtype)
        moved[name] = tensor
    return moved


QWEN_SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
LLAMA3_SPECIAL = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]

SETS = [
    GoldenSet(
        name="qwen3",
        seed=1000,
        config={
            "model_type": "qwen3",
            "vocab_size": 512,
            "hidden_size": 48,
            "intermediate_size": 112,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 32,
            "max_position_embeddings": 512,
            "rms_norm_eps": 1e-6,
            "tie_word_embeddings": True,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1000000.0},
            "bos_token_id": None,
            "eos_token_id": 482,
        },
        dtype="bf16",
        edit_old_config=drop("layer_types"),
        tokenizer=lambda: vocabularies.qwen(
            480, QWEN_SPECIAL, ["<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<think>", "</think>"]
        ),
        special={"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"},
        template="thinking.jinja",
        generation_config={
            "do_sample": True,
            "eos_token_id": [482, 480],
            "pad_token_id": 480,
            "temperature": 0.6,
            "top_k": 20,
            "top_p": 0.95,
        },
        extra_chats=(
            "no_prompt",
            "tools",
            "tools_system",
            "calls",
            "calls_open",
            "calls_no_tools",
            "thinking_off",
            "thinking_kept",
        ),
        adapters={
            "all-r5": dict(r=5, lora_alpha=10, target_modules=ALL, dtype="bf16"),
            "dora-r8": dict(r=8, lora_alpha=16, target_modules=ALL, use_dora=True),
            "patterns-rs": dict(
                r=4,
                lora_alpha=5,
                use_rslora=True,
                target_modules=ALL,
                rank_pattern={
                    "q_proj": 3,
                    "layers.1.mlp.down_proj": 12,
                    r".*\.0\..*v_proj": 6,
                    "^model.layers.2.self_attn.o_proj": 1,
                    "mlp.(gate|up)_proj": 9,
                    "proj": 40,
                    "never.there": 99,
                },
                alpha_pattern={
                    "layers.1.mlp.down_proj": 30,
                    "down_proj": 6,
                    "self_attn.(k|v)_proj": 4.5,
                    r"layers\.[02]\.mlp\.up_proj": 2,
                    "2.self_attn.o_proj": 3,
                },
            ),
            "norms": dict(r=4, lora_alpha=8, target_modules=["q_proj", "o_proj"], modules_to_save=["norm"], dtype="bf16"),
            "mlp-r16": dict(r=16, lora_alpha=32, target_modules=MLP, dtype="f16"),
        },
    ),
    GoldenSet(
        name="llama3-rope",
        seed=2000,
        config={
            "model_type": "llama",
            "vocab_size": 384,
            "hidden_size": 64,
            "intermediate_size": 152,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "max_position_embeddings": 256,
            "rms_norm_eps": 1e-5,
            "attention_bias": True,
            "mlp_bias": True,
            "tie_word_embeddings": False,
            "rope_parameters": {
                "rope_type": "llama3",
                "rope_theta": 50000.0,
                "factor": 8.0,
                "low_freq_factor": 1.0,
                "high_freq_factor": 4.0,
                "original_max_position_embeddings": 32,
            },
            "bos_token_id": 0,
            "eos_token_id": [1, 4],
        },
        dtype="bf16",
        shard_size="80KB",
        tokenizer=lambda: vocabularies.llama3(384, LLAMA3_SPECIAL),
        special={"bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>"},
        template="headers.jinja",
        generation_config={"bos_token_id": 0, "do_sample": True, "eos_token_id": [1, 4], "temperature": 0.6, "top_p": 0.9},
        extra_chats=("no_prompt", "tools", "calls", "date", "functions", "system_only", "two_calls"),
        must_matter={"llama3 scaling": plain_rope, "factor": rope(factor=4.0), "low factor": rope(low_freq_factor=2.0)},
        adapters={
            "bias-r4": dict(r=4, lora_alpha=6, target_modules=ALL, lora_bias=True),
            "dora-r6": dict(r=6, lora_alpha=9, target_modules=ATTENTION, use_dora=True, dtype="bf16"),
            "head-norm": dict(
                r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"], modules_to_save=["model.norm", "lm_head"]
            ),
            "layers-pattern": dict(
                r=6, lora_alpha=12, target_modules=ATTENTION, layers_to_transform=[0, 2], layers_pattern="layers"
            ),
            "all-r12-f16": dict(r=12, lora_alpha=24, target_modules=ALL, dtype="f16"),
            "embed-head": dict(r=4, lora_alpha=8, target_modules=["embed_tokens", "lm_head", "o_proj"]),
            "embed-head-moved": dict(
                r=3,
                lora_alpha=6,
                target_modules=["embed_tokens", "lm_head", "o_proj"],
                edit_tensors=with_moved_base,
            ),
            "embed-dora": dict(
                r=4,
                lora_alpha=8,
                target_modules=["embed_tokens", "lm_head", "down_proj"],
                use_dora=True,
                save_embedding_layers=False,
            ),
        },
    ),
    GoldenSet(
        name="llama-linear-v4",
        seed=3000,
        config={
            "model_type": "llama",
            "vocab_size": 400,
            "hidden_size": 72,
            "intermediate_size": 100,
            "num_hidden_layers": 2,
            "num_attention_heads": 6,
            "num_key_value_heads": 3,
            "max_position_embeddings": 64,
            "rms_norm_eps": 1e-6,
            "tie_word_embeddings": True,
            "rope_parameters": {"rope_type": "linear", "rope_theta": 10000.0, "factor": 4.0},
            "bos_token_id": 1,
            "eos_token_id": 2,
        },
        dtype="f16",
        old_spelling=True,
        rope_type_key="type",
        edit_old_config=drop("head_dim"),
        tokenizer=lambda: vocabularies.tekken(390, ["<unk>", "<s>", "</s>", "<|user|>", "<|system|>", "<|assistant|>"]),
        special={"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"},
        template="filters.jinja",
        generation_config={"_from_model_config": True, "bos_token_id": 1, "eos_token_id": 2},
        extra_chats=("no_prompt", "unknown_role"),
        must_matter={"linear scaling": plain_rope},
        adapters={
            "embed-head": dict(
                r=3, lora_alpha=6, target_modules=["embed_tokens", "lm_head", "v_proj"], save_embedding_layers=False
            ),
            "embed-head-tied": dict(
                r=3, lora_alpha=6, target_modules=["embed_tokens", "lm_head", "v_proj"], ensure_weight_tying=True
            ),
            "embed-only": dict(r=5, lora_alpha=10, target_modules=["embed_tokens"], save_embedding_layers=False),
            "tokens-list": lambda prompts: dict(
                r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"], trainable_token_indices=token_indices(prompts)
            ),
            "tokens-apart": lambda prompts: dict(
                r=2,
                lora_alpha=4,
                target_modules=["gate_proj"],
                trainable_token_indices={
                    "embed_tokens": token_indices(prompts),
                    "lm_head": token_indices(prompts, offset=3),
                },
                dtype="f16",
            ),
            "tokens-together": lambda prompts: dict(
                r=2,
                lora_alpha=4,
                target_modules=["up_proj"],
                trainable_token_indices={"embed_tokens": token_indices(prompts), "lm_head": token_indices(prompts)},
                ensure_weight_tying=True,
            ),
            "save-embed": dict(r=2, lora_alpha=4, target_modules=["o_proj"], modules_to_save=["embed_tokens"], dtype="f16"),
            "save-embed-tied": dict(
                r=2,
                lora_alpha=4,
                target_modules=["o_proj"],
                modules_to_save=["embed_tokens"],
                ensure_weight_tying=True,
                dtype="f16",
            ),
            "save-head": dict(r=2, lora_alpha=4, target_modules=["k_proj"], modules_to_save=["lm_head"], dtype="f16"),
        },
    ),
    GoldenSet(
        name="qwen2-yarn",
        seed=4000,
        config={
            "model_type": "qwen2",
            "vocab_size": 352,
            "hidden_size": 60,
            "intermediate_size": 92,
            "num_hidden_layers": 2,
            "num_attention_heads": 5,
            "num_key_value_heads": 1,
            "max_position_embeddings": 32,
            "rms_norm_eps": 1e-6,
            "tie_word_embeddings": False,
            "rope_parameters": {
                "rope_type": "yarn",
                "rope_theta": 10000.0,
                "factor": 4.0,
                "original_max_position_embeddings": 32,
            },
            "bos_token_id": None,
            "eos_token_id": 332,
        },
        dtype="f32",
        # As Qwen2.5's files: a window that is switched off.
        edit_old_config=lambda config: drop("layer_types")(config) | {"sliding_window": 8},
        shard_size="120KB",
        tokenizer=lambda: vocabularies.qwen(330, QWEN_SPECIAL),
        special={"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"},
        template="tools.jinja",
        generation_config={
            "do_sample": True,
            "eos_token_id": [332, 330],
            "pad_token_id": 330,
            "repetition_penalty": 1.05,
            "temperature": 0.7,
            "top_k": 20,
            "top_p": 0.8,
        },
        extra_chats=("no_prompt", "tools", "tools_system", "calls", "calls_open", "calls_no_tools"),
        must_matter={"yarn scaling": plain_rope, "attention factor": rope(attention_factor=1.0), "factor": rope(factor=3.0)},
        adapters={
            "all-linear": dict(r=7, lora_alpha=14, target_modules="all-linear", dtype="bf16"),
            "regex": dict(
                r=4, lora_alpha=10, target_modules=r".*\.(0\.self_attn\.(q|v)_proj|1\.mlp\.(down|up)_proj)", dtype="f32"
            ),
            "exclude": dict(
                r=5, lora_alpha=10, target_modules=ALL, exclude_modules=["down_proj", "layers.0.self_attn.q_proj"]
            ),
            "dora-rs": dict(r=9, lora_alpha=6, target_modules="all-linear", use_dora=True, use_rslora=True),
            "tokens-dict": lambda prompts: dict(
                r=3,
                lora_alpha=6,
                target_modules=["gate_proj", "k_proj"],
                trainable_token_indices={
                    "embed_tokens": token_indices(prompts),
                    "lm_head": token_indices(prompts, offset=2),
                },
            ),
        },
    ),
    GoldenSet(
        name="llama-dynamic",
        seed=5000,
        config={
            "model_type": "llama",
            "vocab_size": 420,
            "hidden_size": 64,
            "intermediate_size": 112,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "num_key_value_heads": 4,
            "max_position_embeddings": 32,
            "rms_norm_eps": 1e-5,
            "tie_word_embeddings": False,
            "rope_parameters": {"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 2.0},
            "bos_token_id": 1,
            "eos_token_id": 2,
        },
        dtype="f16",
        old_spelling=True,
        rope_type_key="type",
        edit_old_config=drop("head_dim", "num_key_value_heads", "attention_bias", "attention_dropout", "mlp_bias"),
        inverse_frequencies=True,
        tokenizer=lambda: vocabularies.llama2(420),
        special={"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"},
        template="instructions.jinja",
        prompt_lengths=(1, 20, 31, 41, 130),
        extra_chats=("no_prompt", "assistant_first", "two_users"),
        must_matter={"dynamic scaling": plain_rope, "factor": rope(factor=3.0)},
        adapters={
            "attention-r6": dict(r=6, lora_alpha=12, target_modules=ATTENTION, dtype="f16"),
            "first-keys": dict(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], edit_config=keep(*FIRST_KEYS)),
            "partial-file": dict(r=4, lora_alpha=12, target_modules=ALL, dtype="bf16", edit_tensors=without_layer_one),
        },
    ),
    GoldenSet(
        name="mistral-v4",
        seed=6000,
        config={
            "model_type": "mistral",
            "vocab_size": 450,
            "hidden_size": 56,
            "intermediate_size": 88,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "num_key_value_heads": 1,
            "head_dim": 24,
            "max_position_embeddings": 512,
            "sliding_window": 24,
            "rms_norm_eps": 1e-5,
            "tie_word_embeddings": False,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1000000.0},
            "bos_token_id": 1,
            "eos_token_id": 2,
        },
        dtype="bf16",
        old_spelling=True,
        shard_size="60KB",
        edit_old_config=drop("tie_word_embeddings"),
        tokenizer=lambda: vocabularies.mistral(
            430,
            [
                "[INST]",
                "[/INST]",
                "[TOOL_CALLS]",
                "[AVAILABLE_TOOLS]",
                "[/AVAILABLE_TOOLS]",
                "[TOOL_RESULTS]",
                "[/TOOL_RESULTS]",
            ],
        ),
        special={"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"},
        template={"default": "control-default.jinja", "tool_use": "control-tools.jinja"},
        generation_config={"_from_model_config": True, "bos_token_id": 1, "eos_token_id": 2},
        extra_chats=("no_prompt", "tools", "calls", "two_calls", "two_users", "unknown_role"),
        must_matter={"sliding window": attributes(sliding_window=None), "its width": attributes(sliding_window=25)},
        adapters={
            "attention-r96": dict(r=96, lora_alpha=192, target_modules=ATTENTION, dtype="bf16"),
            "all-r1": dict(r=1, lora_alpha=2, target_modules=ALL),
            "least-keys": dict(
                r=3,
                lora_alpha=6,
                target_modules=["up_proj", "o_proj"],
                edit_config=keep("peft_type", "r", "lora_alpha", "target_modules"),
            ),
        },
    ),
    GoldenSet(
        name="qwen2-window",
        seed=7000,
        config={
            "model_type": "qwen2",
            "vocab_size": 360,
            "hidden_size": 64,
            "intermediate_size": 96,
            "num_hidden_layers": 4,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "max_position_embeddings": 512,
            "use_sliding_window": True,
            "sliding_window": 12,
            "max_window_layers": 2,
            "rms_norm_eps": 1e-6,
            "tie_word_embeddings": False,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0},
            "bos_token_id": None,
            "eos_token_id": 342,
        },
        dtype="bf16",
        edit_old_config=drop("layer_types"),
        tokenizer=lambda: vocabularies.qwen(340, QWEN_SPECIAL),
        special={"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"},
        template="generation.jinja",
        generation_config={"do_sample": False, "eos_token_id": [342]},
        extra_chats=("no_prompt", "content_parts"),
        must_matter={
            "sliding layers": attributes(layer_types=["full_attention"] * 4),
            "full layers": attributes(layer_types=["sliding_attention"] * 4),
            "their order": attributes(layer_types=["sliding_attention"] * 2 + ["full_attention"] * 2),
        },
        adapters={
            "all-r7": dict(r=7, lora_alpha=14, target_modules=ALL, dtype="bf16"),
            "training-fields": dict(
                r=6,
                lora_alpha=8,
                target_modules=["self_attn.q_proj", "model.layers.3.mlp.down_proj", "up_proj"],
                edit_config=with_training_fields,
            ),
            "one-layer": dict(r=8, lora_alpha=24, target_modules=ALL, layers_to_transform=3, dtype="f16"),
        },
    ),
    GoldenSet(
        name="qwen3-yarn-v4",
        seed=8000,
        config={
            "model_type": "qwen3",
            "vocab_size": 330,
            "hidden_size": 40,
            "intermediate_size": 72,
            "num_hidden_layers": 3,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
            "head_dim": 28,
            "max_position_embeddings": 48,
            "use_sliding_window": True,
            "sliding_window": 20,
            "max_window_layers": 1,
            "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
            "rms_norm_eps": 1e-6,
            "attention_bias": True,
            "tie_word_embeddings": False,
            "rope_parameters": {
                "rope_type": "yarn",
                "rope_theta": 5000.0,
                "factor": 2.5,
                "attention_factor": 1.3,
                "beta_fast": 4,
                "beta_slow": 0.5,
                "truncate": False,
                "original_max_position_embeddings": 48,
            },
            "bos_token_id": 320,
            "eos_token_id": [320, 322],
        },
        dtype="f16",
        old_spelling=True,
        edit_old_config=lambda config: config
        | {"rope_scaling": drop("original_max_position_embeddings")(config["rope_scaling"])},
        tokenizer=lambda: vocabularies.qwen(320, QWEN_SPECIAL),
        special={"eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>"},
        template=None,
        generation_config={"eos_token_id": 320, "max_new_tokens": 2048},
        must_matter={
            "yarn scaling": plain_rope,
            "attention factor": rope(attention_factor=None),
            "truncate": rope(truncate=True),
            "beta_fast": rope(beta_fast=32),
            "beta_slow": rope(beta_slow=1),
            "layer types": attributes(layer_types=["full_attention", "sliding_attention", "sliding_attention"]),
        },
        adapters={
            "all-r2": dict(r=2, lora_alpha=4, target_modules=ALL),
            "dora-r3": dict(r=3, lora_alpha=6, target_modules=["q_proj", "v_proj", "down_proj"], use_dora=True, dtype="f16"),
        },
    ),
]
