"""Terms whose gradients at the features are given."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

Terms = tuple[dict[str, Tensor], Tensor]


@pytest.fixture
def terms() -> Callable[..., Terms]:
    """``terms(rows, values)``: terms ``t0``, ``t1``, ... with these values and gradients (rows) at the features."""

    def make(rows: np.ndarray | Sequence[Sequence[float]], values: Sequence[float] | None = None) -> Terms:
        gradients = torch.as_tensor(np.asarray(rows), dtype=torch.float64)
        features = torch.zeros(1, gradients.shape[1], dtype=torch.float64, requires_grad=True)
        values = [1.0] * len(gradients) if values is None else values
        means = {
            f"t{index}": (features * gradient).sum() + value
            for index, (gradient, value) in enumerate(zip(gradients, values, strict=True))
        }
        return means, features

    return make
