"""The decision radius and the two groups."""

import itertools

import numpy as np
import pytest
import torch

from mien.learn.caf import FixedRadius, KMeans, Otsu, ReleasedGrouping

DRAW = np.random.default_rng(0)
HUMPS = np.concatenate([DRAW.normal(0.1, 0.02, (400, 2)), DRAW.normal([0.6, 0.8], 0.03, (300, 2))])
SIGNS = DRAW.choice([-1, 1], HUMPS.shape)


def within_class_variance(values: np.ndarray, threshold: float) -> float:
    low, high = values[values <= threshold], values[values > threshold]
    return float(len(low) * low.var() + len(high) * high.var())


def test_otsu_divides_the_magnitudes_of_each_dimension() -> None:
    radius = Otsu().decision_radius(HUMPS * SIGNS)
    # any threshold between the two humps divides them equally; the radius is the root of both squares
    low, high = HUMPS[:400].max(0), HUMPS[400:].min(0)
    assert np.hypot(*low) <= radius <= np.hypot(*high)
    assert radius == Otsu().decision_radius(np.abs(HUMPS)), "both sides of neutral count alike"


def test_otsu_is_the_best_of_all_thresholds() -> None:
    values = np.abs(np.random.default_rng(1).normal(0, 0.4, (500, 1)))
    found = Otsu().decision_radius(values)
    width = np.ptp(values) / 256
    best = min(
        np.linspace(values.min(), values.max(), 2000)[1:-1], key=lambda t: within_class_variance(values[:, 0], t)
    )
    assert within_class_variance(values[:, 0], found) <= 1.001 * within_class_variance(values[:, 0], best)
    assert abs(found - best) < 3 * width


@pytest.mark.parametrize("k", [2, 3, 5])
def test_k_means_takes_the_mean_of_the_centres(k: int) -> None:
    centres = np.linspace(0.1, 0.9, k)
    column = np.concatenate([np.random.default_rng(i).normal(c, 0.002, 50) for i, c in enumerate(centres)])
    labels = np.stack([column, -column], 1)
    assert KMeans(k).decision_radius(labels) == pytest.approx(np.sqrt(2) * centres.mean(), abs=2e-3)


def test_strong_starts_at_the_radius() -> None:
    labels = torch.tensor([[0.0, 0.0], [0.3, 0.4], [-0.3, -0.39], [1.0, 1.0]])
    strong, weak = FixedRadius(0.5).groups(labels, FixedRadius(0.5).decision_radius(labels.numpy()))
    assert strong.tolist() == [False, True, False, True]
    assert weak.tolist() == [True, False, True, False]


@pytest.mark.parametrize("grouping", [Otsu(), KMeans(2), KMeans(3), ReleasedGrouping()])
def test_indivisible_labels_are_rejected(grouping: Otsu) -> None:
    with pytest.raises(ValueError, match=r"1 distinct magnitudes in a dimension, too few"):
        grouping.decision_radius(np.full((5, 2), -0.3))


@pytest.mark.parametrize("wrong", [lambda: KMeans(1), lambda: FixedRadius(0.0), lambda: FixedRadius(float("nan"))])
def test_invalid_options_are_rejected(wrong: type) -> None:
    with pytest.raises(ValueError, match=r"k must be 2 or more, not 1|radius must be above 0, not"):
        wrong()


def released(labels: np.ndarray) -> tuple[list[bool], list[bool]]:
    """The release's grouping, step by step."""
    parts = []
    for d in range(2):
        column = labels[:, d]
        middle = (int(column.argmin()) + int(column.argmax())) // 2
        parts.append(column[: middle + 1].sum() / column.sum())
    threshold = np.hypot(*parts) + 0.25
    squares = (labels**2).sum(1)
    strong, weak = squares > threshold, squares < threshold
    if not strong.any() or not weak.any():
        strong, weak = squares > 0.65, squares < 0.3
    return strong.tolist(), weak.tolist()


@pytest.mark.parametrize("seed", range(20))
def test_the_released_grouping_depends_on_the_batch(seed: int) -> None:
    labels = np.random.default_rng(seed).uniform(-1, 1, (12, 2))
    groups = ReleasedGrouping().groups(torch.tensor(labels), 0.5)
    assert tuple(group.tolist() for group in groups) == released(labels)


@pytest.mark.parametrize("labels", [torch.zeros(0, 2), torch.zeros(3, 2), torch.tensor([[0.5, 0.5], [-0.5, -0.5]])])
def test_the_released_grouping_is_finite_where_the_release_is_not(labels: torch.Tensor) -> None:
    strong, weak = ReleasedGrouping().groups(labels, 0.5)
    assert len(strong) == len(weak) == len(labels)
    assert not (strong & weak).any()


def test_every_row_is_in_exactly_one_group() -> None:
    labels = torch.tensor(HUMPS * SIGNS)
    for grouping, radius in itertools.product((Otsu(), KMeans(2)), (0.1, 0.5, 1.2)):
        strong, weak = grouping.groups(labels, radius)
        assert (strong ^ weak).all()
