"""Pretrains the base model: a Llama of 2.2 million parameters, stored in bfloat16."""

import time

import torch
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

import tokenizer as tokenizers
from trainer import Trainer

LENGTH = 256
BATCH = 128


def new_model():
    return LlamaForCausalLM(LlamaConfig(
        vocab_size=tokenizers.VOCABULARY,
        hidden_size=192,
        intermediate_size=512,
        num_hidden_layers=5,
        num_attention_heads=6,
        num_key_value_heads=2,
        max_position_embeddings=LENGTH,
        rms_norm_eps=1e-5,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
        tie_word_embeddings=True,
        initializer_range=0.03,
        bos_token_id=None,
        eos_token_id=0,
        pad_token_id=None,
    ))


def train(rows, tokenizer, folder, steps, seconds, graphs, log):
    """Trains for at most so many steps and seconds, and writes the checkpoint to a folder."""
    torch.manual_seed(3)
    model = new_model().cuda()
    trainer = Trainer(model, rows, BATCH, rate=2e-3, decay=0.1, betas=(0.9, 0.95), seed=3, graphs=graphs)
    trial = min(30, steps)
    started = time.monotonic()
    for step in range(trial):
        trainer.step(step / steps)
    torch.cuda.synchronize()
    per_step = (time.monotonic() - started) / trial
    steps = max(trial, min(steps, int(seconds / per_step)))
    log(f"base: {sum(p.numel() for p in model.parameters())} parameters, {steps} steps of {per_step * 1000:.1f} ms")
    for step in range(trial, steps):
        trainer.step(step / steps)
        if step % 500 == 0 or step == steps - 1:
            log(f"base: step {step} loss {trainer.loss.item():.4f}")
    torch.cuda.synchronize()
    model.generation_config = GenerationConfig(eos_token_id=0, pad_token_id=0)
    model.to(torch.bfloat16).save_pretrained(folder)
    tokenizers.save(tokenizer, folder)
