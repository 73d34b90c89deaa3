"""Workers that train one network together: each in its own process on its own core."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import torch
from torch import distributed, nn


class Crew:
    """One worker's view of all workers; with a single worker it does nothing."""

    def __init__(self, rank: int, size: int, rendezvous: Path) -> None:
        self.rank = rank
        self.size = size
        if size > 1:
            distributed.init_process_group(
                "gloo", init_method=f"file://{rendezvous.resolve()}", rank=rank, world_size=size
            )

    def average(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace every gradient by its mean over all workers."""
        if self.size == 1:
            return
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        flat = torch.cat([gradient.view(-1) for gradient in gradients])
        distributed.all_reduce(flat)
        flat /= self.size
        for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(part.view_as(gradient))

    def most(self, value: float) -> float:
        """The largest ``value`` of all workers."""
        if self.size == 1:
            return value
        shared = torch.tensor([value], dtype=torch.float64)
        distributed.all_reduce(shared, distributed.ReduceOp.MAX)
        return shared.item()
