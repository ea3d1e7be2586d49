"""Trains one LoRA adapter per task with PEFT on the frozen base model, all at the same time on one GPU."""

import time
from pathlib import Path
from typing import NamedTuple

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaForCausalLM

from trainer import Trainer, exact_answers

ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj"]
MLP = ["gate_proj", "up_proj", "down_proj"]
TOKENS_PER_BATCH = 24576
GOOD_ENOUGH = 0.998


class Spec(NamedTuple):
    """What kind of adapter a task gets; they differ on purpose, to show the kinds that PEFT can write."""

    lora: dict
    dtype: torch.dtype
    rate: float = 2e-3


SPECS = {
    "date-iso": Spec(dict(r=8, lora_alpha=16, target_modules=ATTENTION + MLP), torch.bfloat16),
    "number-words": Spec(
        dict(r=16, lora_alpha=8, use_rslora=True, target_modules=ATTENTION + MLP), torch.float32),
    "to-json": Spec(dict(r=16, lora_alpha=32, target_modules=ATTENTION), torch.bfloat16),
    "to-sql": Spec(dict(r=32, lora_alpha=64, target_modules=ATTENTION + MLP), torch.bfloat16),
    "to-cron": Spec(dict(r=12, lora_alpha=24, use_dora=True, target_modules=ATTENTION + MLP), torch.float32),
    "to-roman": Spec(
        dict(
            r=8, lora_alpha=16, rank_pattern={"down_proj": 16}, alpha_pattern={"down_proj": 32},
            target_modules=["q_proj", "v_proj", "o_proj"] + MLP,
        ),
        torch.float16,
    ),
}


def _new_trainer(name, base_folder, rows, graphs):
    torch.manual_seed(4)
    base = LlamaForCausalLM.from_pretrained(base_folder, dtype=torch.float32).cuda()
    spec = SPECS[name]
    model = get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", lora_dropout=0.0, **spec.lora))
    batch = TOKENS_PER_BATCH // (rows.tokens.shape[1] - 1) // 16 * 16
    return Trainer(model, rows, batch, spec.rate, seed=4, graphs=graphs)


def _save(trainer, name, folder):
    for parameter in trainer.parameters:
        parameter.data = parameter.data.to(SPECS[name].dtype)
    trainer.model.peft_config["default"].base_model_name_or_path = "lorikeet-demo"
    trainer.model.save_pretrained(folder, save_embedding_layers=False)
    (Path(folder) / "README.md").unlink(missing_ok=True)


def _cycle(trainers, steps, seconds, valid, log):
    """One warm-up and decay of the learning rate, as many steps as fit into the time but at most so many."""
    trial = min(20, steps)
    started = time.monotonic()
    for step in range(trial):
        for trainer in trainers.values():
            trainer.step(step / steps)
    torch.cuda.synchronize()
    per_step = (time.monotonic() - started) / trial
    steps = max(trial, min(steps, int(0.95 * seconds / per_step)))
    log(f"adapters: {', '.join(trainers)}: {steps} steps of {per_step * 1000:.1f} ms for all")
    for step in range(trial, steps):
        for trainer in trainers.values():
            trainer.step(step / steps)
        if step % 25 == 0:
            torch.cuda.synchronize()
        if step % max(1, steps // 8) == 0:
            scores = (f"{name} {t.loss.item():.4f} {exact_answers(t.model, valid[name])[0]:.3f}" for name, t in trainers.items())
            log(f"adapters: step {step}: " + ", ".join(scores))


def train(rows, valid, base_folder, folder, steps, seconds, graphs, log):
    """Trains an adapter for each task in rows; those that miss the mark on the validation rows get more cycles."""
    deadline = time.monotonic() + seconds
    trainers = {name: _new_trainer(name, base_folder, r, graphs) for name, r in rows.items()}
    log("adapters: ready")
    best, todo, share = {}, dict(trainers), 0.65
    while todo:
        left = deadline - time.monotonic()
        if best and left < 8:
            break
        _cycle(todo, steps, max(left * share, 5), valid, log)
        for name, trainer in list(todo.items()):
            score, margins = exact_answers(trainer.model, valid[name])
            low = margins.kthvalue(max(1, len(margins) // 100)).values.item()
            log(f"adapters: {name}: {score:.4f} of the validation prompts, margin of the 1st percentile {low:.2f}")
            if name not in best or score >= best[name][0]:
                best[name] = score, trainer.snapshot()
            if score >= GOOD_ENOUGH:
                del todo[name]
            else:
                trainer.rate *= 0.7
        share = 0.9
    for name, trainer in trainers.items():
        trainer.restore(best[name][1])
        _save(trainer, name, Path(folder) / name)
        score, margins = exact_answers(trainer.model.float(), valid[name])
        log(f"adapters: {name}: {score:.4f} as stored, smallest margin {margins.min().item():.2f}")
        worst = margins.argsort()[:5].tolist()
        yield name, [i for i in worst if margins[i] < 0]
