"""Two optimizers under one roof: Muon for the matrices of the layers, AdamW for everything else."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

_MATRIX_RATE = 0.02
_EMBEDDING_RATE = 0.003
_NORM_RATE = 0.01


class Muon(torch.optim.Optimizer):
    """Momentum whose update is made orthogonal by a few Newton-Schulz steps, in float32 for CPUs."""

    def __init__(self, parameters: list[nn.Parameter], rate: float, momentum: float = 0.95) -> None:
        super().__init__(parameters, {"lr": rate, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:
        """Apply one update from the gradients that are there."""
        for group in self.param_groups:
            for parameter in group["params"]:
                state = self.state[parameter]
                momentum = state.setdefault("momentum", torch.zeros_like(parameter))
                momentum.lerp_(parameter.grad, 1 - group["momentum"])
                update = orthogonal(parameter.grad.lerp(momentum, group["momentum"]))
                scale = max(1.0, parameter.shape[0] / parameter.shape[1]) ** 0.5
                parameter.mul_(1 - 0.05 * group["lr"])
                parameter.add_(update, alpha=-group["lr"] * scale)


def orthogonal(matrix: Tensor, steps: int = 4) -> Tensor:
    """Roughly the nearest orthogonal matrix: the singular values of ``matrix`` pushed towards one."""
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        square = x @ x.T
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return x.T if tall else x


class Optimizers:
    """What training steps and saves."""

    def __init__(self, model: nn.Module) -> None:
        matrices = [p for n, p in model.named_parameters() if p.ndim == 2 and "embedding" not in n]
        embeddings = [p for n, p in model.named_parameters() if "embedding" in n]
        norms = [p for p in model.parameters() if p.ndim == 1]
        groups = [{"params": embeddings, "lr": _EMBEDDING_RATE}, {"params": norms, "lr": _NORM_RATE}]
        self._parts: list[torch.optim.Optimizer] = [
            Muon(matrices, _MATRIX_RATE),
            torch.optim.AdamW(groups, betas=(0.9, 0.95), weight_decay=0.01),
        ]
        self._rates = [[group["lr"] for group in part.param_groups] for part in self._parts]

    def step(self, factor: float) -> None:
        """One update with all learning rates times ``factor``; the gradients are cleared."""
        for part, rates in zip(self._parts, self._rates, strict=True):
            for group, rate in zip(part.param_groups, rates, strict=True):
                group["lr"] = rate * factor
            part.step()
            part.zero_grad()

    def state(self) -> list[dict[str, Any]]:
        """What a checkpoint keeps."""
        return [part.state_dict() for part in self._parts]

    def load(self, states: list[dict[str, Any]]) -> None:
        """Take back what :meth:`state` gave."""
        for part, state in zip(self._parts, states, strict=True):
            part.load_state_dict(state)
