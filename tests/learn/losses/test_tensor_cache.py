"""Constant tensors are created once per device and type, and dropped with their owner."""

import gc
import weakref
from dataclasses import replace

import numpy as np
import pytest
import torch

from mien.learn.losses.tensor_cache import cached_tensor, table_informativeness, table_weights
from mien.relatedness.table import DU_2014


def test_a_table_is_copied_once_per_type() -> None:
    table = replace(DU_2014)
    single, double = torch.zeros(1), torch.zeros(1, dtype=torch.float64)
    assert table_weights(table, single) is table_weights(table, single)
    assert table_weights(table, double).dtype is torch.float64
    assert table_weights(table, single) is not table_weights(table, single, reweight=False)
    assert table_weights(replace(DU_2014), single) is not table_weights(table, single)
    np.testing.assert_allclose(table_weights(table, double).numpy(), table.weights)
    np.testing.assert_array_equal(table_weights(table, single, reweight=False).numpy(), table.belongs)


def test_the_copy_is_dropped_with_its_owner() -> None:
    table = replace(DU_2014, weights=DU_2014.weights.copy())
    weights = table_weights(table, torch.zeros(1, dtype=torch.float64))
    table.weights[1, 0] = 0.25
    assert weights[1, 0] == 0
    gone = weakref.ref(table)
    del table
    gc.collect()
    assert gone() is None


def test_a_table_first_used_in_inference_mode_can_be_used_in_training() -> None:
    table = replace(DU_2014)
    with torch.inference_mode():
        table_weights(table, torch.zeros(1))
    logits = torch.zeros(2, 7, requires_grad=True)
    weights = table_weights(table, logits)
    (logits @ weights).sum().backward()
    assert not weights.is_inference()
    assert logits.grad is not None
    np.testing.assert_allclose(logits.grad, [table.weights.sum(1)] * 2, rtol=1e-6)


def test_make_is_called_only_once() -> None:
    class Owner:
        pass

    owner, calls = Owner(), []
    for _ in range(3):
        cached_tensor(owner, "it", torch.zeros(1), lambda: calls.append(1) or np.ones(2))  # type: ignore[func-returns-value]
    assert len(calls) == 1


def test_informativeness_comes_from_inference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "mien.relatedness.inference.informativeness", lambda table: np.linspace(0, 1, table.weights.shape[1])
    )
    assert table_informativeness(replace(DU_2014), torch.zeros(1)).tolist() == pytest.approx(np.linspace(0, 1, 17))
