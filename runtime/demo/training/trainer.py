"""One model in training: its data on the GPU, its optimizer, and a step that is a replayed CUDA graph.

A model this small is limited by the launching of its kernels. Recorded once and replayed, a whole step is one launch,
and several models train side by side on their own streams.
"""

import math

import torch
import torch.nn.functional as F

import data

TAIL_WEIGHT = 0.02


def causal_mask(length, device):
    """[1, 1, length, length]: 0 where a position may look, the lowest float where not."""
    lowest = torch.finfo(torch.float32).min
    return torch.full((1, 1, length, length), lowest, device=device).triu(1)


class Trainer:
    def __init__(self, model, rows, batch, rate, decay=0.0, betas=(0.9, 0.98), seed=0, graphs=True):
        self.model = model.train()
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.tokens, self.first, self.last = (torch.from_numpy(a).cuda() for a in rows[:3])
        self.batch, self.rate, self.graphs = batch, rate, graphs
        self.length = self.tokens.shape[1] - 1
        self.mask = causal_mask(self.length, "cuda")
        self.positions = torch.arange(self.length, device="cuda")
        self.generator = torch.Generator("cuda").manual_seed(seed)
        groups = [
            {"params": [p for p in self.parameters if p.ndim > 1], "weight_decay": decay},
            {"params": [p for p in self.parameters if p.ndim == 1], "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(
            [g for g in groups if g["params"]], lr=torch.zeros((), device="cuda"), betas=betas, fused=True, capturable=True)
        self.stream = torch.cuda.Stream()
        self.ids = torch.zeros(batch, self.length + 1, dtype=torch.long, device="cuda")
        self.weights = torch.zeros(batch, self.length, device="cuda")
        self.loss = torch.zeros((), device="cuda")
        self._record()

    def _record(self):
        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            for _ in range(3):  # at a rate of zero: warms up what a recording must not contain
                self._next_batch()
                self._update()
        torch.cuda.synchronize()
        if self.graphs:
            self.optimizer.zero_grad(set_to_none=True)
            self.graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self.graph, stream=self.stream):
                self._update(clear=False)
            torch.cuda.synchronize()

    def _next_batch(self):
        chosen = torch.randint(len(self.tokens), (self.batch,), device="cuda", generator=self.generator)
        self.ids.copy_(self.tokens[chosen])
        first, last = self.first[chosen, None], self.last[chosen, None]
        answer = (self.positions >= first) & (self.positions <= last)
        tail = (self.positions > last) & (self.positions <= last + data.TAIL)
        self.weights.copy_(answer + TAIL_WEIGHT * tail)

    def _update(self, clear=True):
        if clear:
            self.optimizer.zero_grad(set_to_none=True)
        logits = self.model(input_ids=self.ids[:, :-1], attention_mask=self.mask, use_cache=False).logits
        losses = F.cross_entropy(logits.flatten(0, 1), self.ids[:, 1:].flatten(), reduction="none")
        loss = (losses * self.weights.flatten()).sum() / self.weights.sum()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()
        self.loss.copy_(loss.detach())

    def step(self, progress):
        """Starts one step without waiting for it; progress runs from 0 to 1 and sets the learning rate."""
        warm, floor = min(1.0, progress / 0.04), 0.01
        factor = warm * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * progress)))
        with torch.cuda.stream(self.stream):
            for group in self.optimizer.param_groups:
                group["lr"].fill_(self.rate * factor)
            self._next_batch()
            if self.graphs:
                self.graph.replay()
            else:
                self._update()

    def snapshot(self):
        torch.cuda.synchronize()
        return [p.detach().clone() for p in self.parameters]

    def restore(self, snapshot):
        with torch.no_grad():
            for parameter, saved in zip(self.parameters, snapshot):
                parameter.copy_(saved)
        torch.cuda.synchronize()


@torch.no_grad()
def exact_answers(model, rows, chunk=256):
    """Of the rows, the fraction that greedy decoding answers exactly, and each row's smallest margin.

    Greedy decoding gives the expected answer exactly if every expected token is the likeliest one after those before
    it, so one pass over the whole answer decides. The margin is negative for a row answered wrongly.
    """
    torch.cuda.synchronize()
    tokens, first, last = (torch.from_numpy(a).cuda() for a in rows[:3])
    mask = causal_mask(tokens.shape[1] - 1, "cuda")
    positions = torch.arange(tokens.shape[1] - 1, device="cuda")
    margins = []
    for ids, start, end in zip(tokens.long().split(chunk), first.split(chunk), last.split(chunk)):
        logits = model(input_ids=ids[:, :-1], attention_mask=mask, use_cache=False).logits
        expected = ids[:, 1:, None]
        right = logits.gather(2, expected).squeeze(2)
        other = logits.scatter(2, expected, float("-inf")).amax(2)
        counts = (positions >= start[:, None]) & (positions <= end[:, None])
        margins.append((right - other).masked_fill(~counts, float("inf")).amin(1))
    margins = torch.cat(margins)
    return (margins > 0).float().mean().item(), margins
