"""Mixtures compared with a slow loop, their masks, and which rows are mixed."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from mien.learn.batch import Batch, collate
from mien.learn.data.batches.mixup import blend, mixaugment, mixup
from mien.learn.losses import supervised
from mien.tasks import ACTION_UNITS, AFFECT, EXPRESSION, FACE

Make = Callable[..., Batch]


@pytest.fixture
def batch(columns: Callable[[int, int], dict[str, np.ndarray]]) -> Make:
    """A batch whose pixels encode the row number."""

    def make(n: int = 16, seed: int = 0, votes: bool = False) -> Batch:
        labels = columns(seed, n)
        if votes:
            shares = np.random.default_rng(seed).dirichlet(np.ones(7), n).astype(np.float32)
            shares[np.isnan(labels["expression"])] = np.nan
            labels["expression"] = shares
        images = np.zeros((n, 1, 4, 4), np.uint8) + np.arange(n, dtype=np.uint8)[:, None, None, None]
        return collate(images, labels, FACE)

    return make


@pytest.mark.parametrize("votes", [False, True])
def test_blend_equals_a_slow_loop(votes: bool, batch: Make) -> None:
    whole = batch(16, votes=votes)
    generator = np.random.default_rng(1)
    first, second = (torch.from_numpy(generator.integers(0, 16, 40)) for _ in range(2))
    shares = torch.from_numpy(generator.random(40).astype(np.float32))
    mixed = blend(whole, first, second, shares, FACE)
    for row, (i, j, share) in enumerate(zip(first.tolist(), second.tolist(), shares.tolist(), strict=True)):
        assert mixed.images[row, 0, 2, 2].item() == pytest.approx(share * i + (1 - share) * j, abs=1e-4)
        known = bool(whole.mask["expression"][i]) and bool(whole.mask["expression"][j])
        assert bool(mixed.mask["expression"][row]) == known
        target = [0.0] * 7
        for parent, weight in ((i, share), (j, 1 - share)):
            label = whole.labels["expression"][parent]
            for cell in range(7):
                value = float(label[cell]) if votes else float(int(label) == cell)
                target[cell] += weight * value if known else 0.0
        assert mixed.labels["expression"][row].tolist() == pytest.approx(target, abs=1e-5)
        assert mixed.labels["expression"][row].sum() == pytest.approx(float(known), abs=1e-5)
        for task in (ACTION_UNITS, AFFECT):
            for cell in range(len(task)):
                both = bool(whole.mask[task.name][i, cell]) and bool(whole.mask[task.name][j, cell])
                assert bool(mixed.mask[task.name][row, cell]) == both
                values = (float(whole.labels[task.name][parent, cell]) for parent in (i, j))
                expected = sum(w * v for w, v in zip((share, 1 - share), values, strict=True)) if both else 0.0
                assert float(mixed.labels[task.name][row, cell]) == pytest.approx(expected, abs=1e-5)


def kinds(batch: Batch) -> list[tuple[bool, ...]]:
    return [tuple(bool(mask[row].any()) for mask in batch.mask.values()) for row in range(len(batch))]


def two_sets(n: int) -> Batch:
    """Rows with expressions only and rows with action units only, alternating."""
    nan = np.nan
    expression = np.array([row % 7 if row % 2 else nan for row in range(n)], np.float32)
    units = np.full((n, 17), nan, np.float32)
    units[::2] = np.random.default_rng(0).integers(0, 2, (len(units[::2]), 17))
    images = np.zeros((n, 1, 4, 4), np.uint8) + np.arange(n, dtype=np.uint8)[:, None, None, None]
    return collate(images, {"expression": expression, "action_units": units}, FACE)


@pytest.mark.parametrize("mix", [mixup, mixaugment])
def test_sets_with_different_labels_lose_no_labels(mix: Callable[..., Batch]) -> None:
    torch.manual_seed(0)
    whole = two_sets(20)
    mixed = mix(whole, FACE, 1.0)
    assert sum(kind == (True, False, False) for kind in kinds(mixed)) == (10 if mix is mixup else 15)
    assert sum(kind == (False, True, False) for kind in kinds(mixed)) == (10 if mix is mixup else 15)
    assert int(mixed.mask["action_units"].sum()) == 17 * (10 if mix is mixup else 15)


def test_mixup_changes_most_rows_and_keeps_their_number(batch: Make) -> None:
    torch.manual_seed(1)
    whole = two_sets(20)
    mixed = mixup(whole, FACE, 1.0)
    assert mixed.images.shape == whole.images.shape
    moved = (mixed.images - whole.images.float()).abs().amax((1, 2, 3)) > 1e-4
    assert 17 <= int(moved.sum()) <= 18  # the last row of each set has no partner
    for row in (~moved).nonzero()[:, 0].tolist():
        assert torch.equal(mixed.labels["action_units"][row], whole.labels["action_units"][row])
        assert torch.equal(mixed.mask["expression"][row], whole.mask["expression"][row])
    assert sum(kinds(mixed)[row] == kinds(whole)[row] for row in range(20)) == 20
    alike = [row for row in range(20) if row % 2]  # mixed with rows of their own set, in place
    assert all(mixed.mask["expression"][row] for row in alike)


def test_mixaugment_keeps_the_real_rows_and_adds_half_as_many(batch: Make) -> None:
    torch.manual_seed(0)
    whole = two_sets(20)
    mixed = mixaugment(whole, FACE, 1.0)
    assert len(mixed) == 30
    assert torch.equal(mixed.images[:20], whole.images.float())
    assert torch.equal(mixed.mask["affect"][:20], whole.mask["affect"])
    assert torch.equal(mixed.labels["action_units"][:20], whole.labels["action_units"])
    assert torch.equal(mixed.labels["expression"][:20].argmax(1), whole.labels["expression"])


def test_the_mean_over_mixaugment_is_the_papers_total(batch: Make) -> None:
    """The three losses of a pair (one virtual, two real) have equal weight: summed in a loop."""
    n = 12
    generator = np.random.default_rng(0)
    images = np.zeros((n, 1, 4, 4), np.uint8) + np.arange(n, dtype=np.uint8)[:, None, None, None]
    whole = collate(images, {"expression": generator.integers(0, 7, n).astype(np.float32)}, FACE)
    torch.manual_seed(5)
    mixed = mixaugment(whole, FACE, 0.4)
    weight = torch.randn(7, generator=torch.Generator().manual_seed(0))

    def logits(images: torch.Tensor) -> torch.Tensor:
        return images.float().mean((1, 2, 3))[:, None] * weight

    outputs = {"expression": logits(mixed.images), "action_units": torch.zeros(len(mixed), 17)}
    term = supervised(outputs, mixed, (EXPRESSION,))["expression"]
    total = 0.0
    for row in range(len(mixed)):
        log_p = logits(mixed.images[row : row + 1]).log_softmax(1)[0]
        total -= float((mixed.labels["expression"][row] * log_p).sum())
    assert len(mixed) == n + n // 2
    assert float(term.total) == pytest.approx(total, rel=1e-4)
    assert float(term.count) == 18
    # each real row is a parent of exactly one virtual row
    virtual, real = mixed.labels["expression"][n:], mixed.labels["expression"][:n]
    assert ((virtual > 0).sum(1) <= 2).all()
    assert ((virtual > 0).float().sum(0) <= real.sum(0)).all()


@pytest.mark.parametrize("mix", [mixup, mixaugment])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_rows_and_features(n: int, mix: Callable[..., Batch], batch: Make) -> None:
    whole = batch(4)
    few = Batch(
        torch.randn(n, 5),
        {name: labels[:n] for name, labels in whole.labels.items()},
        {name: mask[:n] for name, mask in whole.mask.items()},
    )
    mixed = mix(few, FACE, 0.2)
    most = n if mix is mixup else n + n // 2
    assert mixed.images.shape[1] == 5
    assert n <= len(mixed) <= most
    assert len(mixed) == most or n == 3  # the third row has other labels
    assert torch.isfinite(mixed.images).all()


@pytest.mark.parametrize("mix", [mixup, mixaugment])
def test_the_seed_decides(mix: Callable[..., Batch], batch: Make) -> None:
    results = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        results.append(mix(two_sets(20), FACE, 0.5).images)
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])


def test_a_small_alpha_leaves_one_parent_and_a_large_one_mixes_evenly() -> None:
    for alpha, even in ((0.01, False), (200.0, True)):
        torch.manual_seed(0)
        mixed = mixup(two_sets(20), FACE, alpha)
        share = mixed.labels["expression"][mixed.mask["expression"]].amax(1)
        assert (share.mean() < 0.75) == even
