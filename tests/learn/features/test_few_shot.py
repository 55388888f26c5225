"""The methods against scikit-learn and a loop over the rows; shots, draws and missing labels."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, f1_score

from mien.learn.evaluate.metrics import concordance
from mien.learn.features.few_shot import PENALTY, Labelled, linear, nearest_neighbours, probe
from mien.learn.features.identity_probe import ITERATIONS, STRENGTH
from mien.tasks import Kind, Task

MOOD = Task("mood", Kind.CLASSES, ("low", "middle", "high"), ("",) * 3)
SIGNS = Task("signs", Kind.ATTRIBUTES, ("smile", "frown"), ("",) * 2)
LEVEL = Task("level", Kind.CONTINUOUS, ("level",), ("",))


def drawn(task: Task, count: int, seed: int) -> Labelled:
    """Twelve features that depend on the labels, with noise."""
    draw = np.random.default_rng(seed)
    if task.kind is Kind.CLASSES:
        labels = draw.integers(0, 3, count).astype(float)
        known = np.eye(3)[labels.astype(int)]
    else:
        shape = (count, len(task))
        labels = (
            draw.integers(0, 2, shape).astype(float) if task.kind is Kind.ATTRIBUTES else draw.uniform(-1, 1, shape)
        )
        known = labels
    mix = np.random.default_rng(99).normal(size=(known.shape[1], 12))
    return Labelled(3 + known @ mix + draw.normal(size=(count, 12)), labels)


def scaled(train: Labelled, test: Labelled) -> tuple[np.ndarray, np.ndarray]:
    mean, deviation = train.features.mean(0), train.features.std(0)
    first, second = ((side.features - mean) / deviation / np.sqrt(12) for side in (train, test))
    return first, second


def neighbours(train: Labelled, asked: np.ndarray, count: int) -> list[np.ndarray]:
    """The nearest rows of each, by a double loop over the angles."""
    found = []
    for one in asked:
        near = [one @ other / np.linalg.norm(one) / np.linalg.norm(other) for other in train.features]
        found.append(np.argsort(near)[::-1][:count])
    return found


def test_classes_by_hand() -> None:
    train, test = drawn(MOOD, 60, 0), drawn(MOOD, 40, 1)
    known, asked = scaled(train, test)
    plain = LogisticRegression(C=STRENGTH, max_iter=ITERATIONS).fit(known, train.labels).predict(asked)
    assert np.array_equal(linear(train, test.features, MOOD).argmax(1), plain)
    voted = [
        np.bincount(train.labels[rows].astype(int), minlength=3).argmax()
        for rows in neighbours(train, test.features, 7)
    ]
    assert np.array_equal(nearest_neighbours(train, test.features, MOOD, 7).argmax(1), voted)
    first, second = probe(train, test, MOOD, neighbours=7)
    assert (first.method, first.shots, second.method) == ("linear", None, "knn")
    for result, guess in ((first, plain), (second, np.array(voted))):
        assert result.metrics["accuracy"].mean == accuracy_score(test.labels, guess)
        assert result.metrics["f1"].mean == pytest.approx(f1_score(test.labels, guess, average="macro"))
        assert result.metrics["accuracy"].low is None


def test_attributes_and_values_by_hand() -> None:
    train, test = drawn(SIGNS, 60, 0), drawn(SIGNS, 40, 1)
    known, asked = scaled(train, test)
    for column in range(2):
        plain = LogisticRegression(C=STRENGTH, max_iter=ITERATIONS).fit(known, train.labels[:, column]).predict(asked)
        assert np.array_equal(linear(train, test.features, SIGNS)[:, column], plain)
    shares = [train.labels[rows].mean(0) for rows in neighbours(train, test.features, 5)]
    assert nearest_neighbours(train, test.features, SIGNS) == pytest.approx(np.array(shares))
    train, test = drawn(LEVEL, 60, 0), drawn(LEVEL, 40, 1)
    known, asked = scaled(train, test)
    values = Ridge(PENALTY).fit(known, train.labels[:, 0]).predict(asked).clip(-1, 1)
    assert probe(train, test, LEVEL)[0].metrics["ccc"].mean == pytest.approx(concordance(values, test.labels[:, 0]))


def test_shots_are_drawn_repeatedly() -> None:
    train, test = drawn(MOOD, 90, 0), drawn(MOOD, 60, 1)
    results = probe(train, test, MOOD, shots=[1, 20, None], repeats=6, seed=3)
    assert [(each.method, each.shots) for each in results] == [
        (method, shots) for shots in (1, 20, None) for method in ("linear", "knn")
    ]
    one, _, twenty, _, every, _ = (each.metrics["accuracy"] for each in results)
    assert (one.n, twenty.n, every.n) == (6, 6, 1)
    assert one.low is not None
    assert one.high is not None
    assert one.low < one.mean < one.high
    assert one.mean < twenty.mean
    assert probe(train, test, MOOD, shots=[1], repeats=6, seed=3)[0] == results[0]
    assert probe(train, test, MOOD, shots=[1], repeats=6, seed=4)[0] != results[0]


def test_missing_labels_and_labels_with_a_single_value() -> None:
    train, test = drawn(SIGNS, 30, 0), drawn(SIGNS, 20, 1)
    gaps = train.labels.copy()
    gaps[::2, 0], gaps[:, 1] = np.nan, 1
    half = Labelled(train.features[1::2], train.labels[1::2])
    found = linear(Labelled(train.features, gaps), test.features, SIGNS)
    assert np.array_equal(found[:, 0], linear(half, test.features, SIGNS)[:, 0])
    assert (found[:, 1] == 1).all()
    same = Labelled(train.features, np.full(30, 2.0))
    assert (linear(same, test.features, MOOD).argmax(1) == 2).all()
    gaps[:, 1] = np.nan
    assert (linear(Labelled(train.features, gaps), test.features, SIGNS)[:, 1] == 0).all()


def test_rows_without_a_label_do_not_matter() -> None:
    train, test = drawn(MOOD, 60, 0), drawn(MOOD, 40, 1)
    blank = Labelled(np.full((5, 12), 1e6), np.full(5, np.nan))
    more = [Labelled(np.concatenate([side.features, blank.features]), np.append(side.labels, blank.labels))
            for side in (train, test)]  # fmt: skip
    assert probe(*more, MOOD) == probe(train, test, MOOD)


def test_unusable_rows_are_refused() -> None:
    train, blank = drawn(MOOD, 10, 0), Labelled(np.ones((3, 12)), np.full(3, np.nan))
    with pytest.raises(ValueError, match="no rows with a label of mood to train on"):
        probe(blank, train, MOOD)
    with pytest.raises(ValueError, match="no rows with a label of mood to evaluate on"):
        probe(train, blank, MOOD)
    with pytest.raises(ValueError, match="a feature is not finite"):
        probe(Labelled(train.features * np.inf, train.labels), train, MOOD)
