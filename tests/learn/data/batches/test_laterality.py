"""Labels that are swapped in a mirror image."""

import pytest
import torch

from mien.learn.batch import Batch
from mien.learn.data.batches.laterality import mirrored, swap
from mien.tasks import ALL_TASKS, Kind, Task


@pytest.mark.parametrize(
    ("labels", "order"),
    [
        (("AU01", "AU12L", "AU12R"), [0, 2, 1]),
        (("AU12_R", "AU06", "AU12_L"), [2, 1, 0]),
        (("left_wink", "smile", "right_wink"), [2, 1, 0]),
        (("right wink", "left wink", "AU14L", "AU14R"), [1, 0, 3, 2]),
        (("AU12L", "AU06"), None),
        (("VOL", "VOR", "leftover", "rightover"), None),
        (("left", "right"), None),
    ],
)
def test_pairs_are_swapped(labels: tuple[str, ...], order: list[int] | None) -> None:
    assert mirrored(labels) == order


@pytest.mark.parametrize("task", ALL_TASKS, ids=lambda task: task.name)
def test_our_labels_have_no_sides(task: Task) -> None:
    assert mirrored(task.labels) is None


def task(name: str, kind: Kind, *labels: str) -> Task:
    return Task(name, kind, labels, labels)


SIDED = (
    task("units", Kind.ATTRIBUTES, "AU12L", "AU06", "AU12R"),
    task("wink", Kind.CLASSES, "none", "left_wink", "right_wink"),
    task("strength", Kind.CONTINUOUS, "left_pull", "right_pull"),
    task("votes", Kind.CLASSES, "left_look", "right_look"),
    task("plain", Kind.ATTRIBUTES, "glasses"),
)


def test_mirrored_rows_swap_labels_and_masks() -> None:
    labels = {
        "units": torch.tensor([[1.0, 0, 0], [0, 1, 1]]),
        "wink": torch.tensor([1, 2]),
        "strength": torch.tensor([[0.5, -0.5], [0.1, 0.0]]),
        "votes": torch.tensor([[0.75, 0.25], [1, 0]]),
        "plain": torch.tensor([[1.0], [0]]),
    }
    mask = {
        "units": torch.tensor([[True, True, True], [False, True, True]]),
        "wink": torch.tensor([True, False]),
        "strength": torch.tensor([[True, True], [True, False]]),
        "votes": torch.tensor([True, True]),
        "plain": torch.tensor([[True], [True]]),
    }
    batch = Batch(torch.zeros(2, 1, 4, 4), labels, mask)
    swapped = swap(batch, torch.tensor([False, True]), SIDED)
    assert swapped.labels["units"].tolist() == [[1, 0, 0], [1, 1, 0]]
    assert swapped.mask["units"].tolist() == [[True, True, True], [True, True, False]]
    assert swapped.labels["wink"].tolist() == [1, 1]
    assert swapped.mask["wink"].tolist() == [True, False]
    torch.testing.assert_close(swapped.labels["strength"], torch.tensor([[0.5, -0.5], [0.0, 0.1]]))
    assert swapped.mask["strength"].tolist() == [[True, True], [False, True]]
    assert swapped.labels["votes"].tolist() == [[0.75, 0.25], [0, 1]]
    assert swapped.labels["plain"] is labels["plain"]
    twice = swap(swapped, torch.tensor([False, True]), SIDED)
    assert all(torch.equal(twice.labels[name], labels[name]) for name in labels)
