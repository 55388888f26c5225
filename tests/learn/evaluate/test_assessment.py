"""The evaluation of a network as a whole, by database and by subgroup, also on poor data."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import confusion_matrix

from mien.learn.data.manifest import ManifestError
from mien.learn.evaluate.assessment import assess, subgroups, take
from mien.learn.evaluate.predictions import Predictions
from mien.learn.evaluate.score import score
from mien.tasks import ACTION_UNITS, AFFECT, EXPRESSION, FACE


def predictions(n: int = 60, seed: int = 0, **columns: Any) -> Predictions:
    generator = np.random.default_rng(seed)
    outputs = {
        "expression": generator.dirichlet(np.ones(7), n),
        "action_units": generator.random((n, 17)),
        "affect": generator.uniform(-1, 1, (n, 2)),
    }
    labels = {
        "expression": generator.integers(0, 7, n),
        "action_units": (generator.random((n, 17)) < 0.4).astype(float),
        "affect": generator.uniform(-1, 1, (n, 2)),
    }
    mask = {name: np.ones(each.shape, bool) for name, each in labels.items()}
    rows = pa.table({"path": [f"{row}" for row in range(n)], **columns})
    return Predictions(FACE, outputs, labels, mask, rows, np.zeros(n, bool))


def test_each_database_has_the_official_metrics_of_its_rows() -> None:
    found = predictions(dataset=["raf_db"] * 30 + ["disfa"] * 30, subject=[f"s{row % 5}" for row in range(60)])
    assessment = assess(found, resamples=50)
    assert list(assessment.databases) == ["raf_db", "disfa"]
    faces = assessment.databases["raf_db"]
    assert faces.official == ("expression.mean_recall",)
    assert (faces.rows, faces.units) == (30, 5)
    assert faces.metrics == score(take(found, np.arange(60) < 30))
    assert assessment.databases["disfa"].official[0] == "action_units.f1"
    assert assessment.whole.official[0] == "expression.accuracy"
    assert (assessment.unit, assessment.whole.units) == ("subject", 10)
    low, high = faces.intervals["expression.mean_recall"]
    assert low <= faces.metrics["expression.mean_recall"] <= high


def test_a_named_protocol_replaces_that_of_the_database() -> None:
    found = predictions(dataset=["raf_db"] * 60)
    names = assess(found, protocol="caf", resamples=0).databases["raf_db"].official
    assert names[:2] == ("affect.rmse.valence", "affect.rmse.arousal")
    assert assess(found, protocol="headline", resamples=0).whole.official[0] == "expression.accuracy"


def test_confusion_and_counts_agree_with_scikit_learn_with_missed_rows_apart() -> None:
    found = predictions()
    found.missed[:4] = True
    for each in found.outputs.values():
        each[:4] = 0
    assessment = assess(found, resamples=0)
    counts = assessment.confusion["expression"]
    truth, guess = found.labels["expression"], found.outputs["expression"].argmax(1)
    np.testing.assert_array_equal(counts[:, :7], confusion_matrix(truth[4:], guess[4:], labels=range(7)))
    np.testing.assert_array_equal(counts[:, 7], np.bincount(truth[:4], minlength=7))
    assert assessment.missed == 4
    known, positive, predicted, both = assessment.counts["action_units"][0]
    assert (known, positive) == (60, int(found.labels["action_units"][:, 0].sum()))
    assert assessment.whole.metrics["action_units.f1.AU01"] == pytest.approx(2 * both / (positive + predicted))


def test_subgroups_are_values_or_quarters() -> None:
    rows = pa.table({"gender": ["f", "m", None, "f"] * 10, "yaw": np.arange(40.0), "name": [str(n) for n in range(40)]})
    groups = subgroups(rows, "gender")
    assert {name: int(each.sum()) for name, each in groups.items()} == {"f": 20, "m": 10, "no value": 10}
    quarters = subgroups(rows, "yaw")
    assert [int(each.sum()) for each in quarters.values()] == [10, 10, 10, 10]
    assert list(quarters)[-1] == "29.25 to 39"
    tied = pa.table({"yaw": [float("nan"), *np.arange(13.0), *[100.0] * 18, *np.arange(200.0, 220.0)]})
    groups = subgroups(tied, "yaw")  # nothing is between the first quartile, 56, and the second, 100
    assert [int(each.sum()) for each in groups.values()] == [13, 25, 13, 1]
    assert list(groups)[-1] == "no value"
    wide = pa.table({"name": [str(n) for n in range(41)]})
    with pytest.raises(ManifestError, match="41 values, too many"):
        subgroups(wide, "name")
    with pytest.raises(ManifestError, match="no column age for subgroups"):
        subgroups(rows, "age")


def test_known_subgroup_columns_are_always_evaluated() -> None:
    found = predictions(gender=["f", "m"] * 30, tone=[1, 2, 3] * 20)
    assessment = assess(found, by=["tone"], resamples=20)
    assert {name: list(each) for name, each in assessment.subgroups.items()} == {
        "gender": ["f", "m"],
        "tone": ["1", "2", "3"],
    }
    women = assessment.subgroups["gender"]["f"]
    assert women.metrics == score(take(found, np.arange(60) % 2 == 0))
    assert women.intervals


def test_one_subject_has_metrics_but_no_intervals() -> None:
    assessment = assess(predictions(subject=["s"] * 60))
    assert assessment.whole.units == 1
    assert assessment.whole.intervals == {}
    assert "expression.accuracy" in assessment.whole.metrics


def test_poor_data_have_defined_metrics() -> None:
    found = predictions()
    found.labels["expression"][:] = EXPRESSION.labels.index("fear")
    found.labels["action_units"][:, 0] = 0
    found.outputs["affect"][:] = 0.25
    found.mask["action_units"][:, 1] = False
    metrics = assess(found, resamples=20).whole.metrics
    assert metrics["expression.mean_recall"] == metrics["expression.recall.fear"] == metrics["expression.accuracy"]
    assert "expression.recall.anger" not in metrics
    assert metrics["action_units.f1.AU01"] == 0
    assert "action_units.f1.AU02" not in metrics
    assert metrics["affect.ccc"] == 0


def test_without_labels_there_are_no_results() -> None:
    found = predictions()
    for each in found.mask.values():
        each[:] = False
    assessment = assess(found)
    assert assessment.whole.metrics == {"faces": 60.0}
    assert assessment.databases[""].official == ()
    assert assessment.confusion == assessment.reliability == assessment.counts == {}


def test_json_has_no_nan() -> None:
    import json

    found = assess(predictions(gender=["f", None] * 30), resamples=20)
    data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert data["official"][""]["metrics"]["affect.ccc"] == found.whole.metrics["affect.ccc"]
    assert data["confusion"]["expression"]["labels"][-1] == "missed"
    assert set(data["reliability"]) == {EXPRESSION.name, ACTION_UNITS.name}
    assert AFFECT.name not in data["reliability"]
