"""Calibration: fitted probabilities are true of the given population, and 0.5 is the best threshold."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit, softmax

from mien.learn.checkpoint import CheckpointError
from mien.learn.export.calibration import (
    CALIBRATION,
    Calibration,
    best_threshold,
    fit,
    fit_attribute,
    fit_classes,
    read_calibration,
)
from mien.tasks import Kind, Task

RATES = np.array([0.7, 0.2, 0.1])
CLASSES = Task("kind", Kind.CLASSES, ("a", "b", "c"), ("", "", ""))
MARKS = Task("marks", Kind.ATTRIBUTES, ("x", "y"), ("", ""))


def population(n: int = 6000) -> tuple[np.ndarray, np.ndarray]:
    """Classes by their rates, with Gaussian evidence of each, so that the true probabilities are known."""
    draw = np.random.default_rng(0)
    labels = draw.choice(3, n, p=RATES)
    evidence = draw.normal(size=(n, 3)) + 1.5 * np.eye(3)[labels]
    return evidence, labels


@pytest.mark.parametrize("prior", [0.0, 0.5, 1.0])
def test_class_probabilities_are_those_of_the_given_population(prior: float) -> None:
    """log p(evidence | class) differs between classes by 1.5 times the evidence; the prior is an offset."""
    evidence, labels = population()
    scale, offset = fit_classes(3.0 * evidence, np.eye(3)[labels], prior)
    truth = softmax(1.5 * evidence + prior * np.log(np.bincount(labels) / len(labels)), axis=1)
    found = softmax(scale * 3.0 * evidence + offset, axis=1)
    assert np.abs(found - truth).max() < 0.08
    assert scale == pytest.approx(0.5, abs=0.05)


def test_votes_count_by_their_shares() -> None:
    evidence, labels = population(800)
    hard = np.eye(3)[labels]
    doubled = fit_classes(np.r_[evidence, evidence], np.r_[hard, np.roll(hard, 1, 1)], 0.5)
    votes = fit_classes(evidence, (hard + np.roll(hard, 1, 1)) / 2, 0.5)
    assert doubled[0] == pytest.approx(votes[0], abs=1e-3)
    assert doubled[1] == pytest.approx(votes[1], abs=1e-3)


def test_attribute_probabilities_are_true() -> None:
    draw = np.random.default_rng(1)
    truth = draw.uniform(-4, 1, 20_000)
    present = draw.random(20_000) < expit(truth)
    scale, offset = fit_attribute(2 * truth + 3, present.astype(float))
    assert scale == pytest.approx(0.5, abs=0.03)
    assert offset == pytest.approx(-1.5, abs=0.1)


@pytest.mark.parametrize("labels", [[0.0] * 500, [1.0] * 500, [0.0] * 495 + [1.0] * 5, [0, 1] * 5])
def test_too_few_labels_change_nothing(labels: list[float]) -> None:
    columns = np.stack([np.array(labels, float), np.full(len(labels), np.nan)], 1)
    raw = np.linspace(-1, 1, len(labels))[:, None] * np.ones((1, 2))
    calibration, source = fit((MARKS,), [{"marks": raw}], [{"marks": columns}], 1.0)
    assert (source, calibration.thresholds) == ({}, {})
    assert (calibration.scale["marks"], calibration.offset["marks"]) == ((1.0, 1.0), (0.0, 0.0))


def test_many_classes_are_fitted_quickly() -> None:
    """A hundred classes, with the gradient; finite differences took thousands of evaluations."""
    draw = np.random.default_rng(5)
    labels = np.r_[np.arange(100), draw.integers(0, 100, 900)]
    evidence = draw.normal(size=(1000, 100)) + 3 * np.eye(100)[labels]
    scale, offset = fit_classes(evidence, np.eye(100)[labels], 1.0)
    assert scale == pytest.approx(3, abs=0.5)
    assert np.corrcoef(offset, np.log(np.bincount(labels)))[0, 1] > 0.4


@pytest.mark.parametrize("task", [CLASSES, MARKS], ids=str)
def test_no_other_calibration_fits_better(task: Task) -> None:
    """By the documented loss, at a hundred points around the result."""
    evidence, labels = population(400)
    if task is CLASSES:
        found = np.r_[tuple(np.atleast_1d(each) for each in fit_classes(evidence, np.eye(3)[labels], 1.0))]

        def loss(x: np.ndarray) -> float:
            p = softmax(x[0] * evidence + x[1:], axis=1)
            return float(-np.log(p[np.arange(400), labels]).mean() + 1e-3 * ((x[0] - 1) ** 2 + (x[1:] ** 2).sum()))
    else:
        found = np.array(fit_attribute(evidence[:, 0], (labels == 0).astype(float)))

        def loss(x: np.ndarray) -> float:
            p = expit(x[0] * evidence[:, 0] + x[1])
            truth = labels == 0
            return float(-np.log(np.where(truth, p, 1 - p)).mean() + 1e-3 * ((x[0] - 1) ** 2 + x[1] ** 2))

    draw = np.random.default_rng(0)
    assert all(loss(found) <= loss(found + draw.normal(0, size, len(found))) for size in (0.3, 0.03) for _ in range(50))


def f1(guess: np.ndarray, present: np.ndarray) -> float:
    return 2 * (guess & present).sum() / max((guess.sum() + present.sum()), 1)


@pytest.mark.parametrize("seed", range(5))
def test_no_threshold_is_better(seed: int) -> None:
    draw = np.random.default_rng(seed)
    present = draw.random(60) < 0.2
    probabilities = np.round(expit(draw.normal(-2 + 2 * present, 1)), 2)  # with ties
    best = f1(probabilities >= best_threshold(probabilities, present), present)
    for threshold in np.arange(0.01, 1, 0.005):
        assert f1(probabilities >= threshold, present) <= best + 1e-12


def test_a_threshold_at_an_end_counts_everything_beyond_it() -> None:
    p = np.array([0.9, 0.5, 0.009, 0.008, 0.007, 0.001])
    assert best_threshold(p, np.array([1, 0, 1, 1, 1, 0], bool)) == pytest.approx(0.7)
    assert best_threshold(p / 1000, np.array([1, 0, 1, 1, 1, 0], bool)) == 0.01


@pytest.mark.parametrize("present", [[False] * 4, [True] * 4])
def test_without_both_kinds_the_threshold_is_one_half(present: list[bool]) -> None:
    assert best_threshold(np.array([0.1, 0.2, 0.3, 0.4]), np.array(present)) == 0.5


def test_each_label_is_fitted_on_the_first_set_that_has_it() -> None:
    draw = np.random.default_rng(2)
    logits = [draw.normal(size=(300, 2)) for _ in range(2)]
    labels = [(draw.random((300, 2)) < expit(each - 2)).astype(float) for each in logits]
    labels[0][:, 1] = np.nan
    kinds = [np.full((300, 3), np.nan)] * 2
    raw = [{"marks": each, "kind": np.zeros((300, 3))} for each in logits]
    columns = [{"marks": each, "kind": kind} for each, kind in zip(labels, kinds, strict=True)]
    calibration, source = fit((CLASSES, MARKS), raw, columns, 1.0)
    assert source == {"x": 0, "y": 1}
    assert set(calibration.scale) == set(calibration.offset) == {"marks"}
    calibrated = expit(calibration.scale["marks"][0] * logits[0][:, 0] + calibration.offset["marks"][0])
    present = labels[0][:, 0] == 1
    thresholds = np.linspace(0.02, 0.98, 200)
    assert f1(calibrated >= 0.5, present) >= max(f1(calibrated >= t, present) for t in thresholds) - 0.02
    assert calibration.thresholds["x"] != 0.5
    assert calibration.thresholds["y"] != 0.5
    assert Calibration.from_dict(calibration.to_dict()) == calibration


def test_rows_of_one_kind_fit_no_attribute() -> None:
    logits = np.random.default_rng(3).normal(size=(300, 2))
    labels = (np.random.default_rng(4).random((300, 2)) < expit(logits - 1)).astype(float)
    absent = np.where(np.arange(300)[:, None] < 200, 0.0, np.nan) * np.ones((1, 2))
    raw = [{"marks": logits}, {"marks": logits}]
    calibration, source = fit((MARKS,), raw, [{"marks": absent}, {"marks": labels}], 1.0)
    assert source == {"x": 1, "y": 1}
    assert (calibration, source) == fit((MARKS,), raw, [{"marks": np.full((300, 2), np.nan)}, {"marks": labels}], 1.0)


def test_a_label_that_no_set_has_is_unchanged() -> None:
    columns = [{"marks": np.full((30, 2), np.nan), "kind": np.full((30, 3), np.nan)}]
    calibration, source = fit((CLASSES, MARKS), [{"marks": np.zeros((30, 2)), "kind": np.zeros((30, 3))}], columns, 1.0)
    assert source == {}
    assert calibration.scale["marks"] == (1.0, 1.0)
    assert calibration.offset["marks"] == (0.0, 0.0)


def test_invalid_calibrations_are_refused() -> None:
    good = {"scale": {"marks": [1]}, "offset": {"marks": [0]}, "thresholds": {}}
    for key, value in itertools.product(good, ("words", None)):
        with pytest.raises((AttributeError, KeyError, TypeError, ValueError)):
            Calibration.from_dict({**good, key: value})


def test_the_file_of_a_checkpoint_is_read_by_its_new_and_its_earlier_name(tmp_path: Path) -> None:
    early, late = (Calibration({"marks": (scale, 1.0)}, {"marks": (0.0, 0.0)}, {"x": 0.3}) for scale in (2.0, 3.0))
    assert read_calibration(tmp_path) is None
    (tmp_path / "readout.json").write_text(json.dumps({**early.to_dict(), "prior": 0.5}))
    assert read_calibration(tmp_path) == early
    (tmp_path / CALIBRATION).write_text(json.dumps(late.to_dict()))
    assert CALIBRATION == "calibration.json"
    assert read_calibration(tmp_path) == late
    (tmp_path / CALIBRATION).write_text('{"scale": 3}')
    with pytest.raises(CheckpointError, match=r"calibration\.json: not a calibration .*run `mien calibrate` again"):
        read_calibration(tmp_path)
