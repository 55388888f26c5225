"""Constant arrays of the couplings, such as relatedness tables, as tensors: copied once per device and type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import torch
from numpy.typing import NDArray
from torch import Tensor

from mien.relatedness.table import Relatedness

_TENSORS: WeakKeyDictionary[Any, dict[tuple[str, torch.device, torch.dtype], Tensor]] = WeakKeyDictionary()
"""Tensors by the owner of the array, dropped with it; saves copying 10,177 x 40 cells in every step."""


def cached_tensor(owner: object, name: str, like: Tensor, make: Callable[[], NDArray[Any]]) -> Tensor:
    """Return the array from ``make`` as a tensor with the type and device of ``like``.

    Args:
        owner: the object that the array belongs to; compared by identity, must not change afterwards.
        name: which of its arrays.
        like: any tensor.
        make: called only the first time.
    """
    tensors = _TENSORS.setdefault(owner, {})
    key = (name, like.device, like.dtype)
    if key not in tensors:
        with torch.inference_mode(False):  # tensors created in inference mode cannot be used in training
            tensors[key] = torch.tensor(make(), dtype=like.dtype, device=like.device)
    return tensors[key]


def table_weights(relatedness: Relatedness, like: Tensor, *, reweight: bool = True) -> Tensor:
    """C x A: the table's weights; or, without ``reweight``, 1 for every attribute that belongs to the class."""
    if reweight:
        return cached_tensor(relatedness, "weights", like, lambda: relatedness.weights)
    return cached_tensor(relatedness, "belongs", like, lambda: relatedness.belongs)


def table_informativeness(relatedness: Relatedness, like: Tensor) -> Tensor:
    """A values in [0, 1], one per attribute; see :func:`mien.relatedness.inference.informativeness`."""
    from mien.relatedness.inference import informativeness

    return cached_tensor(relatedness, "informativeness", like, lambda: informativeness(relatedness))
