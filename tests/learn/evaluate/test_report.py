"""The page has the results, needs no other file, and escapes names."""

import base64
import io
import re

import numpy as np
import pyarrow as pa
from PIL import Image

from mien.learn.evaluate.assessment import Assessment, assess
from mien.learn.evaluate.predictions import Predictions
from mien.learn.evaluate.report import Evaluation, cell, html, interval_note, official
from mien.tasks import Kind, Task

TASKS = (
    Task("kind", Kind.CLASSES, ("a", "b<i>"), ("", "")),
    Task("parts", Kind.ATTRIBUTES, ("x", "y"), ("", "")),
    Task("values", Kind.CONTINUOUS, ("v",), ("",)),
)


def found(right: int = 6, missed: int = 0, **columns: object) -> Assessment:
    n = 8
    truth = np.array([0, 1] * 4)
    outputs = {
        "kind": np.eye(2)[np.where(np.arange(n) < right, truth, 1 - truth)] * 0.8 + 0.1,
        "parts": np.tile([0.9, 0.2], (n, 1)),
        "values": np.linspace(-1, 1, n)[:, None],
    }
    labels = {"kind": truth, "parts": np.tile([1.0, 0.0], (n, 1)), "values": np.linspace(-1, 0.5, n)[:, None]}
    mask = {name: np.ones(each.shape, bool) for name, each in labels.items()}
    rows = pa.table({"path": list("abcdefgh"), **columns})
    return assess(Predictions(TASKS, outputs, labels, mask, rows, np.arange(n) < missed), resamples=40)


def page(**networks: Assessment) -> str:
    maps = {name: ["kind; 2 labels in common"] for name in networks}
    return html(Evaluation("build/own", "test", "faces & more", {"kind": "guessed"}, 40, 0, networks, maps))


def test_the_page_has_the_metrics_and_the_charts() -> None:
    assessment = found(gender=["f", "m"] * 4)
    text = page(one=assessment, two=found(right=8))
    assert "faces &amp; more" in text
    assert "The labels of kind are weak: guessed" in text
    assert "b&lt;i&gt;" in text
    assert "b<i>" not in text
    assert f"<td>{cell(assessment.whole, 'kind.accuracy')}</td><td>1.000 [1.000, 1.000]</td>" in text
    assert "0 (no positive)" in text  # y is never there
    assert "By gender" in text
    assert "Labels: kind; 2 labels in common." in text
    assert "http" not in text  # needs no other file
    pictures = [base64.b64decode(each) for each in re.findall(r"base64,([^\"]+)", text)]
    assert len(pictures) == 6  # a matrix and two diagrams per network
    for each in pictures:
        assert Image.open(io.BytesIO(each)).convert("L").getextrema() != (255, 255)


def test_missed_rows_are_reported() -> None:
    assert "2 rows have no prediction and count as errors" in page(one=found(missed=2))
    assert "no prediction" not in page(one=found())


def test_the_official_metrics_have_a_column_for_each_network() -> None:
    head, rows = official({"one": found(), "two": found(right=8)})
    assert head == ["official metric", "one", "two"]
    assert rows[0][0] == "kind.accuracy"
    assert rows[0][1].startswith("0.750 [")
    assert rows[0][2] == "1.000 [1.000, 1.000]"


def test_the_note_on_intervals() -> None:
    assert interval_note(found(subject=["s"] * 8), 40, 0) == "No intervals: all rows are from one subject."
    assert interval_note(found(subject=["s"] * 8), 0, 0) == "No intervals: switched off."
    nothing = assess(Predictions((), {}, {}, {}, pa.table({"path": ["a", "b"]}), np.zeros(2, bool)))
    assert interval_note(nothing, 40, 0) == "No intervals: nothing is labelled."
    assert interval_note(found(), 40, 7) == (
        "In brackets: 95 % bootstrap intervals over 8 rows, resampled 40 times (seed 7)."
    )
