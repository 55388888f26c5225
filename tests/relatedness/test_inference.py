"""Inference against loops and counts by hand; informativeness and distinctiveness against their definitions."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mien.relatedness.inference import distinctiveness, infer, informativeness
from mien.relatedness.table import DU_2014, NAMED, Relatedness
from mien.tasks import ACTION_UNITS, Kind, Task

SHOE = Task("shoe", Kind.CLASSES, ("boot", "sandal", "pump"), ("", "", ""))
PARTS = Task("parts", Kind.ATTRIBUTES, ("laces", "strap"), ("", ""))
NAN = np.nan


def space(classes: int, attributes: int) -> tuple[Task, Task]:
    rows, columns = tuple(f"c{i}" for i in range(classes)), tuple(f"a{i}" for i in range(attributes))
    return (
        Task("one", Kind.CLASSES, rows, ("",) * classes),
        Task("many", Kind.ATTRIBUTES, columns, ("",) * attributes),
    )


def random_labels(seed: int, n: int, classes: int, attributes: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    index = generator.integers(-1, classes, n).astype(float)
    index[generator.random(n) < 0.2] = NAN
    values = generator.integers(0, 2, (n, attributes)).astype(np.float32)
    values[generator.random(values.shape) < 0.4] = NAN
    return index, values


def oracle(
    index: np.ndarray, values: np.ndarray, classes: int, smoothing: float, minimum: int
) -> tuple[np.ndarray, np.ndarray]:
    """The docstring's formula, cell by cell and row by row."""
    attributes = values.shape[1]
    weights, support = np.zeros((classes, attributes)), np.zeros((classes, attributes), int)
    for a in range(attributes):
        both = [(int(c), float(v)) for c, v in zip(index, values[:, a], strict=True) if c >= 0 and v == v]
        rate = sum(v for _, v in both) / len(both) if both else 0.0
        for c in range(classes):
            shown = [v for of, v in both if of == c]
            support[c, a] = len(shown)
            weights[c, a] = (
                (sum(shown) + smoothing * rate) / (len(shown) + smoothing) if len(shown) >= minimum else rate
            )
    return weights, support


@pytest.mark.parametrize(("smoothing", "minimum"), [(0.0, 1), (2.5, 1), (0.0, 7), (1.0, 5)])
def test_inference_agrees_with_the_loops(smoothing: float, minimum: int) -> None:
    for seed in range(3):
        index, values = random_labels(seed, 120, 9, 4)
        values[:, 3] = NAN
        table = infer(*space(9, 4), index, values, smoothing=smoothing, minimum_support=minimum, source="random")
        weights, support = oracle(index, values, 9, smoothing, minimum)
        np.testing.assert_allclose(table.weights, weights, atol=1e-12)
        assert np.array_equal(table.support, support)


def test_weights_counted_by_hand() -> None:
    index = [0, 0, 0, 1, 1, -1, NAN]
    values = [[1, NAN], [1, 0], [0, 0], [0, 1], [NAN, 1], [1, 1], [1, 1]]
    table = infer(SHOE, PARTS, index, values, source="the shop")
    assert table.weights.tolist() == [[2 / 3, 0], [0, 1], [0.5, 0.5]]  # no pump: the rates 2/4 and 2/4
    assert table.support is not None
    assert table.support.tolist() == [[3, 2], [1, 2], [0, 0]]
    assert (table.classes, table.attributes, table.source) == ("shoe", "parts", "the shop")
    assert not table.prototypical.any()


def test_smoothing_pulls_towards_the_overall_rate() -> None:
    index, values = random_labels(1, 200, 5, 3)
    exact, strong = (infer(*space(5, 3), index, values, smoothing=s, source="") for s in (0.0, 1e9))
    assert exact.support is not None
    rate = (exact.weights * exact.support).sum(0) / exact.support.sum(0)
    np.testing.assert_allclose(strong.weights, np.tile(rate, (5, 1)), atol=1e-6)


def test_the_classes_mix_to_the_overall_rate() -> None:
    index, values = random_labels(2, 300, 6, 3)
    table = infer(*space(6, 3), index, values, smoothing=0, source="")
    both = np.where((np.nan_to_num(index, nan=-1) >= 0)[:, None], values, NAN)
    assert table.support is not None
    np.testing.assert_allclose((table.weights * table.support).sum(0) / table.support.sum(0), np.nanmean(both, 0))


@pytest.mark.parametrize("change", ["order", "unlabelled rows"])
def test_order_and_unlabelled_rows_make_no_difference(change: str) -> None:
    index, values = random_labels(3, 80, 4, 3)
    before = infer(*space(4, 3), index, values, smoothing=1, source="")
    if change == "order":
        order = np.random.default_rng(0).permutation(80)
        index, values = index[order], values[order]
    else:
        index = np.concatenate([index, [NAN, -1, 2]])
        values = np.concatenate([values, [[1, 1, 0], [0, 1, 1], [NAN] * 3]])
    after = infer(*space(4, 3), index, values, smoothing=1, source="")
    assert np.array_equal(before.weights, after.weights)
    assert np.array_equal(before.support, after.support)


def test_shares_count_as_their_largest_class_and_soft_attributes_as_fractions() -> None:
    shares = [[0.2, 0.8, 0], [0.5, 0.5, 0], [NAN, 0.1, 0.2], [0, 0, 0]]
    table = infer(SHOE, PARTS, shares, [[0.25, 1], [0.5, 0], [1, 1], [1, 1]], source="")
    assert table.support is not None
    assert table.support[:, 0].tolist() == [1, 1, 0]
    assert table.weights.tolist() == [[0.5, 0], [0.25, 1], [0.375, 0.5]]


def test_cells_with_weight_and_support_become_prototypical() -> None:
    index, values = [0] * 10 + [1], [[1, 0]] * 8 + [[0, 0]] * 2 + [[1, 1]]
    table = infer(SHOE, PARTS, index, values, prototypical=0.8, minimum_support=2, source="")
    assert table.prototypical.tolist() == [[True, False], [False, False], [False, False]]
    assert table.weights[0, 0] == 1
    assert table.weights[1].tolist() == pytest.approx([9 / 11, 1 / 11])


def test_attributes_without_annotations_belong_to_no_class() -> None:
    table = infer(SHOE, PARTS, [0, 1, 2], [[1, NAN]] * 3, smoothing=1, minimum_support=2, source="")
    assert table.weights[:, 1].tolist() == [0, 0, 0]
    assert informativeness(table).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("reason", "index", "values", "settings"),
    [
        (r"shoe: row 1 has 3, expected 0 to 2, -1 or NaN", [0, 3], [[0, 0]] * 2, {}),
        (r"shoe: row 0 has 0.5", [0.5, 1], [[0, 0]] * 2, {}),
        (r"shoe: row 1 has inf", [0, np.inf], [[0, 0]] * 2, {}),
        (r"shoe: shape \(2, 4\), expected N indices or N x 3 shares", np.zeros((2, 4)), [[0, 0]] * 2, {}),
        (r"parts: row 1 has -1 for strap, expected 0 to 1 or NaN", [0, 1], [[0, 0], [1, -1]], {}),
        (r"parts: shape \(2, 1\), expected \(2, 2\)", [0, 1], [[0], [1]], {}),
        ("no row is annotated for both shoe and parts", [0, -1], [[NAN, NAN], [1, 1]], {}),
        ("no row is annotated for both", [], np.zeros((0, 2)), {}),
        ("smoothing must be 0 or more", [0], [[0, 0]], {"smoothing": -1}),
        ("smoothing must be 0 or more", [0], [[0, 0]], {"smoothing": NAN}),
        ("minimum_support must be 1 or more", [0], [[0, 0]], {"minimum_support": 0}),
        (r"prototypical must be in \(0, 1\]", [0], [[0, 0]], {"prototypical": 0}),
    ],
)
def test_invalid_input_is_refused_in_one_line(reason: str, index: Any, values: Any, settings: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        infer(SHOE, PARTS, index, values, source="", **settings)
    assert "\n" not in str(caught.value)


def test_other_kinds_of_task_are_refused() -> None:
    with pytest.raises(ValueError, match="the task parts has the kind attributes, expected classes"):
        infer(PARTS, SHOE, [0], [[0, 0, 0]], source="")


def test_ten_thousand_identities_take_seconds() -> None:
    generator = np.random.default_rng(0)
    index = generator.integers(0, 10_177, 200_000)
    values = (generator.random((200_000, 40)) < 0.2).astype(np.float32)
    start = time.perf_counter()
    table = infer(*space(10_177, 40), index, values, smoothing=1, minimum_support=5, source="random")
    information = informativeness(table)
    assert time.perf_counter() - start < 5
    assert table.weights.shape == (10_177, 40)
    assert information.max() == 1


def mutual_information(table: Relatedness, prior: np.ndarray) -> np.ndarray:
    """sum p(c, x) log p(c, x) / p(c) p(x), over both values x of each attribute."""
    found = []
    for column in table.weights.T:
        total = 0.0
        for given in (column, 1 - column):
            overall = float((prior * given).sum())
            total += sum(p * g * np.log(g / overall) for p, g in zip(prior, given, strict=True) if p * g > 0)
        found.append(total)
    return np.array(found)


@pytest.mark.parametrize("name", sorted(NAMED))
def test_informativeness_is_mutual_information_divided_by_its_maximum(name: str) -> None:
    generator = np.random.default_rng(5)
    for prior in (np.full(7, 1 / 7), generator.dirichlet(np.ones(7))):
        expected = mutual_information(NAMED[name], prior)
        np.testing.assert_allclose(informativeness(NAMED[name], prior * 3), expected / expected.max(), atol=1e-12)
    assert np.array_equal(informativeness(NAMED[name]), informativeness(NAMED[name], np.ones(7)))


def test_informativeness_of_a_counted_table_agrees_with_its_rows() -> None:
    index, values = random_labels(4, 400, 5, 3)
    table = infer(*space(5, 3), index, values, source="")
    expected = []
    for a in range(3):
        known = (np.nan_to_num(index, nan=-1) >= 0) & ~np.isnan(values[:, a])
        joint = np.array([[np.mean((index[known] == c) & (values[known, a] == x)) for x in (0, 1)] for c in range(5)])
        independent = joint.sum(1, keepdims=True) * joint.sum(0)
        expected.append(float((joint[joint > 0] * np.log(joint[joint > 0] / independent[joint > 0])).sum()))
    np.testing.assert_allclose(informativeness(table), np.array(expected) / max(expected), atol=1e-10)


def test_informativeness_is_0_for_equal_classes_and_1_for_a_deciding_attribute() -> None:
    weights = np.array([[1.0, 0.3, 0.0], [0.0, 0.3, 0.0]])
    kind, parts = space(2, 3)
    table = Relatedness(
        kind.name, parts.name, kind.labels, parts.labels, weights, np.zeros(weights.shape, bool), "made up"
    )
    assert informativeness(table).tolist() == [1, 0, 0]
    alike = replace(table, weights=np.full(weights.shape, 0.3))
    assert informativeness(alike).tolist() == [0, 0, 0]
    np.testing.assert_allclose(distinctiveness(alike), 0, atol=1e-12)


def test_mean_distinctiveness_is_the_information_of_all_attributes() -> None:
    prior = np.random.default_rng(6).dirichlet(np.ones(7))
    found = distinctiveness(DU_2014, prior)
    assert (found >= 0).all()
    assert float(found @ prior) == pytest.approx(mutual_information(DU_2014, prior).sum())


@pytest.mark.parametrize("measure", [informativeness, distinctiveness])
@pytest.mark.parametrize("prior", [np.ones(6), -np.ones(7), np.zeros(7), np.full(7, NAN)])
def test_invalid_priors_are_refused(measure: Callable[..., Any], prior: np.ndarray) -> None:
    with pytest.raises(ValueError, match="class_prior"):
        measure(DU_2014, prior)


def test_informativeness_follows_the_order_of_the_attributes() -> None:
    order = np.random.default_rng(7).permutation(len(ACTION_UNITS))
    turned = replace(
        DU_2014,
        attribute_labels=tuple(ACTION_UNITS.labels[i] for i in order),
        weights=DU_2014.weights[:, order],
        prototypical=DU_2014.prototypical[:, order],
    )
    assert np.array_equal(informativeness(turned), informativeness(DU_2014)[order])
