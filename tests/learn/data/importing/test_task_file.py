"""Label spaces from files."""

import json
from pathlib import Path

import pytest

from mien.learn.data.importing.task_file import read_tasks
from mien.tasks import EXPRESSION, Kind


def test_tasks_with_and_without_meanings(tmp_path: Path) -> None:
    data = {
        "bird": {"kind": "classes", "labels": ["duck", "heron"]},
        "traits": {"kind": "attributes", "labels": {"long legs": "its legs are long"}},
        "expression": None,
    }
    (tmp_path / "tasks.json").write_text(json.dumps(data))
    bird, traits, known = read_tasks(tmp_path / "tasks.json")
    assert (bird.name, bird.kind, bird.labels) == ("bird", Kind.CLASSES, ("duck", "heron"))
    assert (traits.kind, traits.meanings) == (Kind.ATTRIBUTES, ("its legs are long",))
    assert known == EXPRESSION


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[a, b]", "expected a mapping"),
        ("", "expected a mapping"),
        ("a: {kind: [", "neither YAML nor JSON"),
        ("bird:", "task bird has neither kind nor labels"),
        ("bird: {kind: classes}", "expected the keys kind"),
        ("bird: {kind: class, labels: [a, b]}", "kind 'class' is none of classes, attributes, continuous"),
        ("bird: {kind: classes, labels: a}", "labels must be a list"),
        ("bird: {kind: classes, labels: [a, a]}", "duplicate label a"),
        ("bird: {kind: classes, labels: [a, b]}\ntraits: {kind: attributes, labels: [b]}", "b is the name of another"),
        ("bird: {kind: classes, labels: [frame, b]}", "frame is the name of another column"),
    ],
)
def test_what_is_no_label_space_is_one_line(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "tasks.yaml").write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        read_tasks(tmp_path / "tasks.yaml")
    assert str(caught.value).startswith(f"{tmp_path / 'tasks.yaml'}: ")
    assert "\n" not in str(caught.value)
