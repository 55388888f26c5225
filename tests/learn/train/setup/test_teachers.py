"""Teachers: whose predictions stand in for which labels."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mien.learn import checkpoint
from mien.learn.data.manifest import Manifest, read_manifest
from mien.learn.evaluate.predictor import open_predictor
from mien.learn.recipe import parse
from mien.learn.train.setup.teachers import TeacherError, fill, predict_labels
from mien.learn.train.trainer import Trainer
from mien.tasks import Kind, Task

KIND = Task("kind", Kind.CLASSES, ("one", "two", "three"), ("",) * 3)
PARTS = Task("parts", Kind.ATTRIBUTES, ("tail", "wings"), ("",) * 2)
SIZE = Task("size", Kind.CONTINUOUS, ("length",), ("",))
TASKS = (KIND, PARTS, SIZE)
NAN = np.nan


@pytest.fixture
def vectors(make_set: Callable[..., Path], tmp_path: Path) -> Path:
    """40 rows of 6 features to train on, half of them with a kind and the others with parts; 8 to validate."""
    generator = np.random.default_rng(0)
    features = generator.normal(size=(48, 6)).astype(np.float32)
    rows: list[dict[str, Any]] = []
    for index, row in enumerate(features):
        kind = {"kind": KIND.labels[int(np.argmax(row[:3]))]}
        parts = {"tail": float(row[3] > 0), "wings": float(row[4] > 0)}
        rows.append(kind | parts | {"split": "valid"} if index >= 40 else kind if index % 2 else parts)
    return make_set(tmp_path / "vectors", rows, features, TASKS)


def recipe(vectors: Path, **changes: Any) -> dict[str, Any]:
    return {
        "name": "student",
        "network": {"ResidualMLP": {"width": 8, "depth": 1}},
        "data": [{"manifest": str(vectors)}],
        "validation": {"manifest": str(vectors), "split": "valid"},
        "batch_size": 20,
        "epochs": 1,
    } | changes


@pytest.fixture
def teacher(vectors: Path, tmp_path: Path) -> Callable[..., Path]:
    """``teacher(task, ...)``: a trained network that knows these tasks alone."""

    def train(*tasks: str, seed: int = 0) -> Path:
        folder = tmp_path / f"{'-'.join(tasks)}-{seed}"
        Trainer.of(parse(recipe(vectors, tasks=list(tasks), seed=seed)), folder).train()
        return folder / "last"

    return train


@pytest.fixture
def rows(vectors: Path) -> Manifest:
    return read_manifest(vectors).split("train")


def test_the_labels_are_the_teachers_predictions_in_the_order_of_the_rows(
    teacher: Callable[..., Path], rows: Manifest
) -> None:
    path = teacher("kind")
    predicted = predict_labels(rows, TASKS, [path], size=7)
    assert set(predicted) == {"kind"}
    network, _ = checkpoint.load_network(path)
    raw = network(torch.from_numpy(rows.images(np.arange(40))))["kind"]
    assert np.allclose(predicted["kind"], raw.softmax(1).detach().numpy(), atol=1e-6)
    assert predicted["kind"].dtype == np.float32
    assert np.allclose(predicted["kind"].sum(1), 1, atol=1e-6)


def test_several_teachers_of_a_task_are_averaged_and_each_brings_its_tasks(
    teacher: Callable[..., Path], rows: Manifest
) -> None:
    first, second = teacher("kind"), teacher("kind", "parts", seed=1)
    together = predict_labels(rows, TASKS, [first, second])
    alone = [predict_labels(rows, TASKS, [path]) for path in (first, second)]
    assert np.allclose(together["kind"], (alone[0]["kind"] + alone[1]["kind"]) / 2, atol=1e-6)
    assert np.array_equal(together["parts"], alone[1]["parts"])


def test_no_teacher_labels_nothing(rows: Manifest) -> None:
    assert predict_labels(rows, TASKS, []) == {}


def test_pictures_are_labelled_too(plain_recipe: Callable[..., dict[str, Any]], easy: Path, tmp_path: Path) -> None:
    trainer = Trainer.of(parse(plain_recipe(epochs=1, tasks=["expression"])), tmp_path / "run")
    trainer.save("last")
    rows = read_manifest(easy).split("train")
    predicted = predict_labels(rows, trainer.run.tasks, [tmp_path / "run/last"], size=20)["expression"]
    crops = np.repeat(np.asarray(rows.crops[:48]), 3, axis=3)
    assert np.allclose(predicted, open_predictor(tmp_path / "run/last")[0](crops)["expression"], atol=1e-5)


def test_classes_become_shares_and_labelled_rows_stay() -> None:
    predicted = np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]], np.float32)
    assert fill(np.array([NAN, 2], np.float32), predicted, KIND).tolist() == [predicted[0].tolist(), [0, 0, 1]]
    votes = np.array([[0.25, 0.75, 0], [NAN, NAN, NAN]], np.float32)
    assert fill(votes, predicted, KIND).tolist() == [[0.25, 0.75, 0], predicted[1].tolist()]


@pytest.mark.parametrize("task", [PARTS, SIZE])
def test_other_tasks_are_filled_cell_by_cell(task: Task) -> None:
    predicted = np.array([[0.2, 0.3], [0.6, 0.9]], np.float32)[:, : len(task)]
    column = np.array([[1, NAN], [NAN, 0]], np.float32)[:, : len(task)]
    expected = np.array([[1, 0.3], [0.6, 0]], np.float32)[:, : len(task)]
    filled = fill(column, predicted, task)
    assert np.array_equal(filled, expected)
    assert filled.dtype == np.float32
    assert np.isnan(column).any(), "what was given stays as it was"


@pytest.mark.parametrize("task", TASKS)
def test_a_set_without_the_task_gets_all_of_it(task: Task) -> None:
    predicted = np.full((3, len(task)), 0.25, np.float32)
    assert np.array_equal(fill(None, predicted, task), predicted)


@pytest.mark.parametrize("task", TASKS)
def test_a_full_column_changes_nothing(task: Task) -> None:
    column = np.eye(3, len(task), dtype=np.float32)
    assert np.array_equal(fill(column, np.full((3, len(task)), 0.5, np.float32), task), column)


def test_the_student_learns_from_every_row(teacher: Callable[..., Path], vectors: Path, tmp_path: Path) -> None:
    teachers = [str(teacher("kind")), str(teacher("parts"))]
    names = ["kind", "parts"]
    student = Trainer.of(parse(recipe(vectors, tasks=names, teachers=teachers)), tmp_path / "student")
    batch = student.mixing.batch(0)
    assert all(batch.mask[name].all() for name in names)
    plain = Trainer.of(parse(recipe(vectors, tasks=names)), tmp_path / "plain").mixing.batch(0)
    kinds = plain.mask["kind"]
    assert 0 < int(kinds.sum()) < len(kinds)
    assert torch.equal(batch.labels["kind"][kinds].argmax(1), plain.labels["kind"][kinds])
    assert batch.labels["kind"][kinds].max(1).values.eq(1).all()
    assert not batch.labels["kind"][~kinds].max(1).values.eq(1).any(), "soft, not hard"
    student.train()
    assert student.step == student.run.steps


def test_a_teacher_that_does_not_fit_is_named(
    teacher: Callable[..., Path], rows: Manifest, plain_recipe: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    path = teacher("kind")
    with pytest.raises(TeacherError, match="kind-0/last: knows kind, none of parts"):
        predict_labels(rows, [PARTS], [path])
    other = Task("kind", Kind.CLASSES, ("one", "three", "two"), ("",) * 3)
    with pytest.raises(TeacherError, match="its task kind has other labels"):
        predict_labels(rows, [other], [path])
    with pytest.raises(checkpoint.CheckpointError, match="nowhere"):
        predict_labels(rows, TASKS, [tmp_path / "nowhere"])
    trainer = Trainer.of(parse(plain_recipe()), tmp_path / "faces")
    trainer.save("last")
    with pytest.raises(TeacherError, match=r"cannot read .*manifest\.parquet"):
        predict_labels(rows, trainer.run.tasks, [tmp_path / "faces/last"])
