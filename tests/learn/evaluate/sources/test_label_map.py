"""Labels of another database: matched by name in any order; labels of one side only are not evaluated."""

import numpy as np
import pyarrow as pa
import pytest

from mien.learn.evaluate.predictions import Predictions
from mien.learn.evaluate.score import score
from mien.learn.evaluate.sources.label_map import mapped, match, skipped_rows
from mien.tasks import ACTION_UNITS, AFFECT, EXPRESSION, FACE, Kind, Task


def task(name: str, kind: Kind, *labels: str) -> Task:
    return Task(name, kind, labels, ("",) * len(labels))


EIGHT = task("expression", Kind.CLASSES, "Anger", "contempt", "disgust", "fear", "happy", "neutral", "sad", "surprise")


def found(tasks: tuple[Task, ...], outputs: dict[str, np.ndarray], **columns: object) -> Predictions:
    rows = pa.table(columns)
    empty = {each.name: np.zeros((rows.num_rows, len(each)), bool) for each in tasks}
    return Predictions(tasks, outputs, empty, empty, rows, np.zeros(rows.num_rows, bool))


def test_eight_classes_are_evaluated_as_seven_and_contempt_is_counted() -> None:
    (each,) = match(FACE, [EIGHT])
    assert each.task == EXPRESSION
    assert each.names == ("neutral", "happy", "sad", "fear", "Anger", "surprise", "disgust")
    assert each.unknown == ("contempt",)
    given = found(
        (EXPRESSION,), {"expression": np.eye(7)[[1, 4, 0, 2]]}, expression=["happy", "Anger", "contempt", "fear"]
    )
    result = mapped(given, [each])
    np.testing.assert_array_equal(result.labels["expression"], [1, 4, 0, 3])
    np.testing.assert_array_equal(result.mask["expression"], [True, True, False, True])
    assert skipped_rows(given.rows, each) == 1
    assert score(result)["expression.accuracy"] == pytest.approx(2 / 3)
    assert "unknown to the network: contempt (1 rows skipped)" in each.line(1)
    assert each.to_dict(1)["labels"]["happiness"] == "happy"
    assert each.to_dict(1)["unknown to the network"] == ["contempt"]
    assert each.to_dict(1)["rows skipped"] == 1


def test_a_class_that_the_database_lacks_is_removed() -> None:
    (each,) = match([EIGHT], [EXPRESSION])
    assert each.unused == ("contempt",)
    outputs = np.array([[0.1, 0.6, 0.0, 0.0, 0.3, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]])
    result = mapped(found((EIGHT,), {"expression": outputs}, expression=["happiness", "anger"]), [each])
    np.testing.assert_allclose(result.outputs["expression"][0], [0.25, 0, 0, 0.75, 0, 0, 0])
    np.testing.assert_array_equal(result.outputs["expression"][1], 0)
    assert score(result)["expression.recall.happy"] == 1


def test_only_common_action_units_are_evaluated() -> None:
    theirs = task("units", Kind.ATTRIBUTES, "AU12", "au_1", "AU28")
    (each,) = match([ACTION_UNITS], [theirs])
    assert each.task.labels == ("AU01", "AU12")
    assert each.unknown == ("AU28",)
    outputs = np.zeros((2, 17))
    outputs[:, ACTION_UNITS.labels.index("AU12")] = [0.9, 0.1]
    result = mapped(
        found((ACTION_UNITS,), {"action_units": outputs}, AU12=[1.0, None], au_1=[0.0, 1.0], AU28=[1.0, 1.0]), [each]
    )
    np.testing.assert_array_equal(result.labels["action_units"], [[0, 1], [1, 0]])
    np.testing.assert_array_equal(result.mask["action_units"], [[True, True], [True, False]])
    metrics = score(result)
    assert (metrics["action_units.f1.AU01"], metrics["action_units.f1.AU12"]) == (0, 1)
    assert "action_units is evaluated on units" in each.line(0)


def test_tasks_of_one_side_only_have_no_map() -> None:
    assert [each.task.name for each in match([EXPRESSION], FACE)] == ["expression"]
    assert [each.task.name for each in match(FACE, [AFFECT])] == ["affect"]
    assert match([EXPRESSION], [task("bird", Kind.CLASSES, "duck", "heron")]) == ()
    assert match([EXPRESSION], [task("expression", Kind.ATTRIBUTES, *EXPRESSION.labels)]) == ()


def test_equal_label_spaces_are_the_same() -> None:
    assert all(each.same for each in match(FACE, FACE))
    assert not match(FACE, [EIGHT])[0].same
    (reordered,) = match([EXPRESSION], [task("expression", Kind.CLASSES, *reversed(EXPRESSION.labels))])
    assert reordered.same


def test_an_ambiguous_task_is_not_matched() -> None:
    one, other = task("a", Kind.CLASSES, "fear", "anger"), task("b", Kind.CLASSES, "fear", "anger")
    assert match([EXPRESSION], [one, other]) == ()
    assert match([EXPRESSION], [one])[0].theirs is one


def test_the_same_spelling_is_preferred() -> None:
    (each,) = match([EXPRESSION], [task("expression", Kind.CLASSES, "happy", "happiness", "fear")])
    assert dict(zip(each.task.labels, each.names, strict=True)) == {"happiness": "happiness", "fear": "fear"}
    assert each.unknown == ("happy",)
