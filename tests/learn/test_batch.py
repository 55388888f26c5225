"""Batches: labels, masks, and joining."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from mien.learn.batch import Batch, as_distribution, as_index, collate, concatenate
from mien.tasks import ACTION_UNITS, AFFECT, EXPRESSION, FACE

NAN = np.nan


def images(n: int, channels: int = 1, value: int = 0) -> np.ndarray:
    return np.full((n, channels, 112, 112), value, np.uint8)


def test_null_cells_become_zeros_under_a_mask() -> None:
    affect = np.array([[0.5, NAN], [NAN, NAN], [-1.0, 1.0]], np.float32)
    batch = collate(images(3), {"affect": affect}, (AFFECT,))
    assert batch.labels["affect"].tolist() == [[0.5, 0], [0, 0], [-1, 1]]
    assert batch.mask["affect"].tolist() == [[True, False], [False, False], [True, True]]


def test_hard_classes_are_indices_and_votes_are_shares() -> None:
    hard = collate(images(3), {"expression": np.array([2, NAN, 0], np.float32)}, (EXPRESSION,))
    assert hard.labels["expression"].tolist() == [2, 0, 0]
    assert hard.labels["expression"].dtype == torch.int64
    assert hard.mask["expression"].tolist() == [True, False, True]
    votes = np.full((2, 7), 1 / 7, np.float32)
    votes[1, 3] = NAN
    soft = collate(images(2), {"expression": votes}, (EXPRESSION,))
    assert soft.labels["expression"].shape == (2, 7)
    assert soft.mask["expression"].tolist() == [True, False]


def test_a_task_without_a_column_is_not_labelled() -> None:
    batch = collate(images(2), {}, FACE)
    assert not any(mask.any() for mask in batch.mask.values())
    assert {name: tuple(mask.shape) for name, mask in batch.mask.items()} == {
        "expression": (2,),
        "action_units": (2, 17),
        "affect": (2, 2),
    }
    assert {name: tuple(labels.shape) for name, labels in batch.labels.items()} == {
        name: tuple(mask.shape) for name, mask in batch.mask.items()
    }


@pytest.mark.parametrize("seed", range(3))
def test_no_nan_enters_a_batch(seed: int, columns: Callable[[int, int], dict[str, np.ndarray]]) -> None:
    given = columns(seed, 9)
    batch = collate(images(9), given, FACE)
    for name, column in given.items():
        assert np.isnan(column).any()
        assert batch.labels[name].isfinite().all()
        assert np.array_equal(batch.mask[name].numpy(), ~np.isnan(column))
        assert np.array_equal(batch.labels[name].numpy()[~np.isnan(column)], column[~np.isnan(column)])


def test_hard_labels_become_one_hot_next_to_votes() -> None:
    hard = collate(images(2), {"expression": np.array([4, NAN], np.float32)}, (EXPRESSION,))
    votes = np.zeros((1, 7), np.float32)
    votes[0, 1:3] = 0.5
    soft = collate(images(1), {"expression": votes}, (EXPRESSION,))
    both = concatenate([hard, soft], (EXPRESSION,))
    assert both.labels["expression"][0].tolist() == [0, 0, 0, 0, 1, 0, 0]
    assert both.labels["expression"][2].tolist() == [0, 0.5, 0.5, 0, 0, 0, 0]
    assert both.mask["expression"].tolist() == [True, False, True]
    assert concatenate([hard, hard], (EXPRESSION,)).labels["expression"].tolist() == [4, 0, 4, 0]


def test_grey_and_colour_pictures_form_one_batch() -> None:
    colour = images(1, 3)
    colour[0, 2] = 9
    both = concatenate([collate(images(2, 1, 7), {}, FACE), collate(colour, {}, FACE)], FACE)
    assert both.images.dtype == torch.uint8
    assert both.images[:, :, 5, 5].tolist() == [[7, 7, 7], [7, 7, 7], [0, 0, 9]]
    assert concatenate([collate(images(2), {}, FACE)] * 2, FACE).images.shape == (4, 1, 112, 112)


def test_every_task_keeps_its_rows_in_order(columns: Callable[[int, int], dict[str, np.ndarray]]) -> None:
    parts = [collate(images(n), columns(n, n), FACE) for n in (3, 5)]
    both = concatenate(parts, FACE)
    assert len(both) == 8
    for task in FACE:
        assert torch.equal(both.labels[task.name][3:], parts[1].labels[task.name])
        assert torch.equal(both.mask[task.name][:3], parts[0].mask[task.name])


def test_the_first_of_equal_shares_is_the_index() -> None:
    assert as_index(torch.tensor([[0.2, 0.4, 0.4], [0.1, 0.2, 0.7]])).tolist() == [1, 2]
    assert as_index(torch.tensor([3, 1])).tolist() == [3, 1]
    assert as_distribution(torch.tensor([1, 0]), 3).tolist() == [[0, 1, 0], [1, 0, 0]]


def test_moving_a_batch_moves_every_tensor(columns: Callable[[int, int], dict[str, np.ndarray]]) -> None:
    batch = collate(images(4), columns(0, 4), (ACTION_UNITS, AFFECT))
    moved = batch.to("meta")
    assert isinstance(moved, Batch)
    assert {t.device.type for t in (moved.images, *moved.labels.values(), *moved.mask.values())} == {"meta"}
    assert set(moved.labels) == set(moved.mask) == {"action_units", "affect"}
