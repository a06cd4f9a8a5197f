"""Several processes that train one avatar together, as `torchrun` starts them.

Every process draws pictures of its own and they average their gradients before each step, so that N processes do what
one does with N pictures per step. The first one alone reports, writes and judges. Where `torchrun` has not started
several, everything here does nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn

from studio.errors import StudioError


@dataclass(frozen=True)
class Ranks:
    """This process among `size`."""

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Whether this process reports and writes."""
        return self.rank == 0

    def average(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace gradients by their mean over all processes; a missing one counts as zero."""
        if self.size == 1:
            return
        mine = list(parameters)
        for parameter in mine:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        dense = [p.grad for p in mine if p.grad is not None and not p.grad.is_sparse]
        if dense:
            flat = torch.cat([grad.reshape(-1) for grad in dense])
            dist.all_reduce(flat)
            flat /= self.size
            for grad, part in zip(dense, torch.split(flat, [grad.numel() for grad in dense]), strict=True):
                grad.copy_(part.view_as(grad))

    def average_rows(self, parameter: nn.Parameter) -> None:
        """The same for a sparse gradient: rows of all processes, each with its share."""
        grad = parameter.grad
        if self.size == 1 or grad is None:
            return
        grad = grad.coalesce()
        mine = (grad.indices()[0].cpu(), grad.values().cpu())
        everyone: list[tuple[Tensor, Tensor] | None] = [None] * self.size
        dist.all_gather_object(everyone, mine)
        known = [each for each in everyone if each is not None]
        rows, values = torch.cat([r for r, _ in known]), torch.cat([v for _, v in known])
        joined = torch.sparse_coo_tensor(rows[None], values / self.size, parameter.shape, is_coalesced=False)
        parameter.grad = joined.to(parameter.device).coalesce()

    def add(self, *tensors: Tensor) -> None:
        """Sum tensors over all processes, in place."""
        if self.size > 1:
            for tensor in tensors:
                dist.all_reduce(tensor)

    def any(self, flag: bool) -> bool:
        """Whether any process says so."""
        if self.size == 1:
            return flag
        told = torch.tensor([float(flag)], device=_device())
        dist.all_reduce(told)
        return float(told) > 0

    def latest(self, moment: float) -> float:
        """The first process's value: clocks differ, decisions must not."""
        if self.size == 1:
            return moment
        told = torch.tensor([moment], dtype=torch.float64, device=_device())
        dist.broadcast(told, 0)
        return float(told)

    def wait(self) -> None:
        """Go on when all have come here."""
        if self.size > 1:
            dist.barrier()


def join() -> Ranks:
    """The processes that `torchrun` has started; this one alone where it has not.

    Raises:
        StudioError: they cannot reach each other.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size < 2:
        return Ranks()
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    if not dist.is_initialized():
        try:
            dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
        except (RuntimeError, ValueError) as error:
            raise StudioError(f"The {size} processes of this training cannot reach each other ({error}).") from error
    return Ranks(dist.get_rank(), dist.get_world_size())


def leave() -> None:
    """End what `join` has begun."""
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()


def _device() -> torch.device:
    return torch.device("cuda", torch.cuda.current_device()) if torch.cuda.is_available() else torch.device("cpu")
