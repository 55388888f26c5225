"""The tables of the couplings as tensors, made once for each device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import torch
from numpy.typing import NDArray
from torch import Tensor

from mien.relatedness.table import Relatedness

_TENSORS: WeakKeyDictionary[Any, dict[tuple[str, torch.device, torch.dtype], Tensor]] = WeakKeyDictionary()
"""By the object that a table belongs to; forgotten with it. 10,177 x 40 cells are not copied in every step."""


def cached(owner: object, name: str, like: Tensor, make: Callable[[], NDArray[Any]]) -> Tensor:
    """The array that ``make`` gives, as a tensor with the type and on the device of ``like``.

    Args:
        owner: what the array is a part of; compared by identity, and not to be changed afterwards.
        name: which of its arrays.
        like: any tensor.
        make: called the first time only.
    """
    tensors = _TENSORS.setdefault(owner, {})
    key = (name, like.device, like.dtype)
    if key not in tensors:
        with torch.inference_mode(False):  # a tensor that is born in inference mode can never be trained with
            tensors[key] = torch.tensor(make(), dtype=like.dtype, device=like.device)
    return tensors[key]


def weights_of(relatedness: Relatedness, like: Tensor, *, reweight: bool = True) -> Tensor:
    """C x A: the table's weights, or 1 for every attribute that belongs to the class."""
    if reweight:
        return cached(relatedness, "weights", like, lambda: relatedness.weights)
    return cached(relatedness, "belongs", like, lambda: relatedness.belongs)


def informativeness_of(relatedness: Relatedness, like: Tensor) -> Tensor:
    """A numbers in [0, 1]: see :func:`mien.relatedness.inference.informativeness`."""
    from mien.relatedness.inference import informativeness

    return cached(relatedness, "informativeness", like, lambda: informativeness(relatedness))
