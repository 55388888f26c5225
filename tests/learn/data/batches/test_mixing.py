"""The rows of each step: coverage, order, ranks, and the labels that go with them."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
import torch

from mien.learn.data.batches.mixing import LabelledSet, Mixing, balanced, in_order, proportional_sizes
from mien.learn.data.batches.plans import Drawn
from mien.learn.data.manifest import Manifest, read_manifest
from mien.tasks import EXPRESSION, FACE

Sets = Callable[..., list[LabelledSet]]


@pytest.fixture
def manifests(tmp_path: Path, make_set: Callable[..., Path]) -> Callable[[int], Manifest]:
    """A set of n crops; pixels and valence encode the row number."""

    def make(n: int) -> Manifest:
        crops = np.zeros((n, 112, 112, 1), np.uint8) + np.arange(n, dtype=np.uint8)[:, None, None, None]
        rows = [{"expression": EXPRESSION.labels[row % 7], "valence": row / 100, "AU01": row % 2} for row in range(n)]
        return read_manifest(make_set(tmp_path / f"{n}", rows, crops))

    return make


@pytest.fixture
def sets(manifests: Callable[[int], Manifest]) -> Sets:
    return lambda *pairs: [LabelledSet(manifests(length), None, size) for length, size in pairs]


def epoch(mixing: Mixing, index: int, number: int = 0) -> list[int]:
    steps = range(number * mixing.steps_per_epoch, (number + 1) * mixing.steps_per_epoch)
    return [int(row) for step in steps for row in mixing.rows(index, step)]


@pytest.mark.parametrize(
    ("lengths", "total", "sizes"),
    [([100], 32, [32]), ([90, 30], 40, [30, 10]), ([1000, 1], 10, [10, 1]), ([50, 25, 25], 8, [4, 2, 2])],
)
def test_sizes_are_in_proportion_and_at_least_1(lengths: list[int], total: int, sizes: list[int]) -> None:
    assert proportional_sizes(lengths, total) == sizes


@pytest.mark.parametrize("lengths", [(23,), (40, 20), (50, 17, 9)])
def test_one_epoch_covers_every_row_of_every_set(lengths: tuple[int, ...], sets: Sets) -> None:
    mixing = Mixing(sets(*zip(lengths, proportional_sizes(lengths, 8), strict=True)), FACE, seed=0)
    for index, length in enumerate(lengths):
        assert set(epoch(mixing, index)) == set(range(length))


@pytest.mark.parametrize("number", [0, 1, 5])
def test_the_longest_set_has_each_row_once_per_epoch(number: int, sets: Sets) -> None:
    mixing = Mixing(sets((30, 4), (10, 3)), FACE, seed=0)
    assert mixing.steps_per_epoch == 8
    assert sorted(epoch(mixing, 0, number)) == list(range(30))
    assert len(mixing.rows(0, 8 * number + 7)) == 2


def test_a_shorter_set_starts_again_in_a_new_order(sets: Sets) -> None:
    mixing = Mixing(sets((30, 3), (6, 3)), FACE, seed=0)
    seen = epoch(mixing, 1)
    passes = [seen[start : start + 6] for start in range(0, 30, 6)]
    assert all(sorted(each) == list(range(6)) for each in passes)
    assert len({tuple(each) for each in passes}) > 3


def test_epochs_have_different_orders(sets: Sets) -> None:
    mixing = Mixing(sets((30, 4)), FACE, seed=0)
    assert epoch(mixing, 0, 0) != epoch(mixing, 0, 1)
    assert epoch(mixing, 0, 0) != list(range(30))


def test_a_step_depends_only_on_the_seed_and_its_number(sets: Sets) -> None:
    parts = sets((30, 4), (11, 3))
    walked, jumped, other = (Mixing(parts, FACE, seed) for seed in (3, 3, 4))
    history = [[walked.rows(index, step).tolist() for index in (0, 1)] for step in range(20)]
    for step in (19, 2, 7, 19):
        assert [jumped.rows(index, step).tolist() for index in (0, 1)] == history[step]
    assert [other.rows(0, step).tolist() for step in range(20)] != [rows[0] for rows in history]


@pytest.mark.parametrize("world", [2, 3])
def test_ranks_divide_the_rows_of_a_step(world: int, sets: Sets) -> None:
    parts = sets((30, 4), (11, 3))
    alone = Mixing(parts, FACE, 1)
    ranks = [Mixing(parts, FACE, 1, rank=rank, world=world) for rank in range(world)]
    for step in (0, 7, 9):
        whole = sorted(alone.batch(step).labels["affect"][:, 0].tolist())
        shared = [value for mixing in ranks for value in mixing.batch(step).labels["affect"][:, 0].tolist()]
        assert sorted(shared) == whole


def test_labels_stay_with_their_pictures(sets: Sets) -> None:
    mixing = Mixing(sets((30, 4), (11, 3)), FACE, 1)
    for step in range(10):
        batch = mixing.batch(step)
        pixels = batch.images[:, 0, 50, 50].float()
        assert torch.allclose(batch.labels["affect"][:, 0], pixels / 100)
        assert torch.equal(batch.labels["action_units"][:, 0], pixels % 2)
        assert torch.equal(batch.labels["expression"], (pixels % 7).long())
        assert len(batch) == (7 if (step + 1) % 8 else 5)


def test_a_set_provides_only_the_requested_tasks(manifests: Callable[[int], Manifest]) -> None:
    parts = [LabelledSet(manifests(5), ("affect",), 5), LabelledSet(manifests(6), ("expression",), 6)]
    batch = Mixing(parts, FACE, 0).batch(0)
    assert batch.mask["affect"][:, 0].tolist() == [True] * 5 + [False] * 6
    assert batch.mask["expression"].tolist() == [False] * 5 + [True] * 6
    assert not batch.mask["action_units"].any()


def test_evaluation_batches_have_each_row_once_in_order(manifests: Callable[[int], Manifest]) -> None:
    batches = list(in_order(manifests(10), FACE, 4))
    assert [len(batch) for batch in batches] == [4, 4, 2]
    assert torch.cat([batch.images[:, 0, 0, 0] for batch in batches]).tolist() == list(range(10))
    assert torch.cat([batch.labels["expression"] for batch in batches]).tolist() == [row % 7 for row in range(10)]


def test_rows_of_rare_classes_are_repeated(make_set: Callable[..., Path], tmp_path: Path) -> None:
    words = ["neutral"] * 16 + ["fear"] * 4 + ["disgust"] + [None]
    folder = make_set(tmp_path, [{"expression": word} for word in words], np.zeros((22, 112, 112, 1), np.uint8))
    manifest = read_manifest(folder)
    for power, (neutral, fear, disgust) in {0.0: (1, 1, 1), 0.5: (1, 2, 4), 1.0: (1, 4, 16)}.items():
        times = np.bincount(balanced(manifest, EXPRESSION, power), minlength=22)
        assert times.tolist() == [neutral] * 16 + [fear] * 4 + [disgust, 1]
    mixing = Mixing([LabelledSet(manifest, None, 5, balanced(manifest, EXPRESSION, 0.5))], FACE, 0)
    epoch = np.concatenate([mixing.rows(0, step) for step in range(mixing.steps_per_epoch)])
    assert sorted(epoch) == sorted(balanced(manifest, EXPRESSION, 0.5))


def test_hidden_labels_do_not_affect_the_balance(tmp_path: Path, make_set: Callable[..., Path]) -> None:
    rows = [{"expression": label} for label in ["neutral"] * 24 + ["fear"] * 8]
    manifest = read_manifest(make_set(tmp_path, rows, np.zeros((32, 4), np.float32)))
    keep = {"expression": 0.25}
    labels = LabelledSet(manifest, None, 5, keep=keep).columns(FACE, 1)["expression"]
    times = np.bincount(balanced(manifest, EXPRESSION, 1, keep, 1), minlength=32)
    known = [int((labels == EXPRESSION.labels.index(name)).sum()) for name in ("neutral", "fear")]
    assert (times[np.isnan(labels)] == 1).all()
    assert (times[labels == EXPRESSION.labels.index("fear")] == round(known[0] / known[1])).all()
    assert known[0] > known[1] > 0


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_keep_hides_a_share_of_the_labels_and_nothing_else(share: float, manifests: Callable[[int], Manifest]) -> None:
    whole = LabelledSet(manifests(40), None, 5).columns(FACE, 3)
    part = LabelledSet(manifests(40), None, 5, keep={"expression": share}).columns(FACE, 3)
    known = ~np.isnan(part["expression"])
    assert known.sum() == round(40 * share)
    assert (part["expression"][known] == whole["expression"][known]).all()
    for name in ("action_units", "affect"):
        np.testing.assert_array_equal(part[name], whole[name])


def test_the_seed_alone_decides_which_labels_are_hidden(manifests: Callable[[int], Manifest]) -> None:
    part = LabelledSet(manifests(40), None, 5, keep={"affect": 0.5, "expression": 0.5})
    first, again, other = (part.columns(FACE, seed) for seed in (1, 1, 2))
    for name in ("affect", "expression"):
        np.testing.assert_array_equal(first[name], again[name])
        assert (np.isnan(first[name]) != np.isnan(other[name])).any()


def test_hidden_labels_stay_hidden_in_every_batch(manifests: Callable[[int], Manifest]) -> None:
    mixing = Mixing([LabelledSet(manifests(40), None, 10, keep={"expression": 0.2})], FACE, 0)
    for epoch in range(2):
        steps = range(epoch * mixing.steps_per_epoch, (epoch + 1) * mixing.steps_per_epoch)
        assert sum(int(mixing.batch(step).mask["expression"].sum()) for step in steps) == 8


@pytest.mark.parametrize("world", [1, 2, 3])
def test_ranks_divide_drawn_steps_in_any_order(world: int, sets: Sets) -> None:
    parts = sets((30, 4), (11, 3))
    plan = Drawn((30, 11), 8, 2.0, 1)
    ranks = [Mixing(parts, FACE, 1, rank=rank, world=world, plan=plan) for rank in range(world)]
    jumped = Mixing(parts, FACE, 1, plan=Drawn((30, 11), 8, 2.0, 1))
    assert jumped.steps_per_epoch == 6
    for step in (13, 0, 5, 6, 13):
        whole = sorted(jumped.batch(step).labels["affect"][:, 0].tolist())
        shared = [value for mixing in ranks for value in mixing.batch(step).labels["affect"][:, 0].tolist()]
        assert len(whole) == 8
        assert sorted(shared) == whole


def test_drawn_passes_have_each_row_once(sets: Sets) -> None:
    mixing = Mixing(sets((30, 4), (11, 3)), FACE, 0, plan=Drawn((30, 11), 8, 3.0, 1))
    for index, length in enumerate((30, 11)):
        rows = [int(row) for step in range(40) for row in mixing.rows(index, step)]
        passes = [rows[start : start + length] for start in range(0, len(rows) - length, length)]
        assert len(passes) >= 3
        assert all(sorted(each) == list(range(length)) for each in passes)


def test_a_step_without_rows_of_a_set(sets: Sets) -> None:
    parts = sets((30, 4), (2, 1))
    mixing = Mixing(parts, FACE, 0, plan=Drawn((30, 2), 4, 1.0, 0))
    assert any(len(mixing.rows(1, step)) == 0 for step in range(20))
    assert all(len(mixing.batch(step)) == 4 for step in range(20))


EVERY_THIRD = [np.arange(30) % 3 // 2, None]
ROWS = [
    [[12, 14, 4, 28], [10, 6, 0]],
    [[22, 24, 17, 3], [9, 7, 8]],
    [[9, 11], [5, 1, 8]],
    [[27, 4, 25, 28], [2, 5, 4]],
]
"""Rows of both sets at the steps 0, 1, 7 and 8 with seed 7: a run must see the same ones in every version."""


def rows_at(mixing: Mixing, steps: Iterable[int]) -> list[list[list[int]]]:
    return [[mixing.rows(index, step).tolist() for index in (0, 1)] for step in steps]


def test_the_rows_of_a_seed_are_the_same_in_every_version(sets: Sets) -> None:
    parts = sets((30, 4), (11, 3))
    mixing = Mixing(parts, FACE, 7)
    assert rows_at(mixing, (0, 1, 7, 8)) == ROWS
    assert rows_at(mixing.stratified(EVERY_THIRD), (0, 1, 7)) == [
        [[12, 14, 4, 28], [10, 6, 0]],
        [[17, 22, 24, 23], [9, 7, 8]],
        [[11, 9], [5, 1, 8]],
    ]
    assert rows_at(Mixing(parts, FACE, 7, plan=Drawn((30, 11), 8, 2.0, 7)), (1, 7)) == [
        [[24, 17, 3], [9, 7, 8, 1, 3]],
        [[4, 25, 28, 26, 10, 12, 17], [5]],
    ]


def test_strata_are_spread_evenly_over_every_pass(sets: Sets) -> None:
    mixing = Mixing(sets((30, 3), (11, 3)), FACE, 7).stratified(EVERY_THIRD)
    for number in range(3):
        assert sorted(epoch(mixing, 0, number)) == list(range(30))
        for step in range(10 * number, 10 * (number + 1)):
            assert (mixing.rows(0, step) % 3 == 2).sum() == 1


def test_other_labels_or_strata_leave_the_mixing_as_it_is(sets: Sets) -> None:
    parts = sets((30, 4), (11, 3))
    mixing = Mixing(parts, FACE, 7)
    own = [{"expression": np.full(len(part.rows), 2, np.float32)} for part in parts]
    other = mixing.with_labels(own)
    changed = other.stratified(EVERY_THIRD).with_labels(own)
    assert rows_at(other, (0, 1, 7, 8)) == rows_at(mixing, (0, 1, 7, 8)) == ROWS
    assert rows_at(changed, range(9)) == rows_at(mixing.stratified(EVERY_THIRD), range(9)) != rows_at(mixing, range(9))
    assert other.batch(1).labels["expression"].tolist() == [2] * 7
    assert not other.batch(1).mask["affect"].any()
    assert mixing.batch(1).mask["affect"][:, 0].all()
    assert ("affect", "valence") in other.unlabelled()
    assert ("affect", "valence") not in mixing.unlabelled()
    with pytest.raises(TypeError, match="does not support item assignment"):
        mixing.columns[0]["expression"] = own[0]["expression"]  # type: ignore[index]


def test_rank_and_plan_survive_other_labels(sets: Sets) -> None:
    parts = sets((30, 4), (11, 3))
    plan = Drawn((30, 11), 8, 2.0, 1)
    mixing = Mixing(parts, FACE, 1, rank=1, world=2, plan=plan)
    other = mixing.with_labels(mixing.columns).stratified([None, None])
    for step in (0, 7):
        assert torch.equal(other.batch(step).images, mixing.batch(step).images)
        assert torch.equal(other.batch(step).labels["affect"], mixing.batch(step).labels["affect"])
