"""The names and the order of the label space are fixed: tables and networks depend on them."""

import json

import pytest

from mien.tasks import ACTION_UNITS, AFFECT, ALL_TASKS, COMPOUND, EXPRESSION, FACE, Kind, Task, groups, one_hot_labels


def test_order_of_the_seven_expressions() -> None:
    assert EXPRESSION.labels == ("neutral", "happiness", "sadness", "fear", "anger", "surprise", "disgust")


def test_the_seventeen_action_units_are_in_ascending_order() -> None:
    numbers = [int(label.removeprefix("AU")) for label in ACTION_UNITS.labels]
    assert numbers == [1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 24, 25, 26]
    assert all(len(label) == 4 for label in ACTION_UNITS.labels)


def test_valence_comes_before_arousal() -> None:
    assert AFFECT.labels == ("valence", "arousal")


def test_face_tasks_come_first_in_the_order_of_the_paper() -> None:
    assert [task.name for task in FACE] == ["expression", "action_units", "affect"]
    assert ALL_TASKS == (EXPRESSION, ACTION_UNITS, AFFECT, COMPOUND)


def test_column_names_are_unique_over_all_tasks() -> None:
    names = [name for task in ALL_TASKS for name in (task.name, *task.labels)]
    assert len(set(names)) == len(names) == 4 + 7 + 17 + 2 + 11


def test_each_compound_mixes_two_different_expressions() -> None:
    pairs = {frozenset(word for word in EXPRESSION.labels if word in meaning) for meaning in COMPOUND.meanings}
    assert len(pairs) == 11
    assert all(len(pair) == 2 for pair in pairs)


@pytest.mark.parametrize("task", ALL_TASKS, ids=lambda task: task.name)
def test_ranges_follow_the_kind(task: Task) -> None:
    assert task.range == ((-1, 1) if task.name == "affect" else (0, 1))


@pytest.mark.parametrize("task", ALL_TASKS, ids=lambda task: task.name)
def test_a_task_survives_json(task: Task) -> None:
    assert Task.from_dict(json.loads(json.dumps(task.to_dict()))) == task


def test_data_of_another_shape_are_refused() -> None:
    for change in ({"labels": "abcdefg"}, {"kind": "ranks"}, {"meanings": ["only one"]}):
        with pytest.raises(ValueError, match=r"must be lists|not a valid Kind|7 labels but 1 meanings"):
            Task.from_dict(EXPRESSION.to_dict() | change)


def test_every_label_has_a_meaning() -> None:
    with pytest.raises(ValueError, match="task shoes: 2 labels but 1 meanings"):
        Task("shoes", Kind.ATTRIBUTES, ("laces", "heel"), ("it has laces",))


def test_duplicate_labels_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^task shoes: duplicate label laces$"):
        Task("shoes", Kind.ATTRIBUTES, ("laces", "laces"), ("a", "b"))


def test_an_attribute_with_several_values_becomes_a_group_of_labels() -> None:
    sleeves, necks = (
        one_hot_labels("sleeve_length", ("none", "short")),
        one_hot_labels("neckline", ["v", "round", "a=b"]),
    )
    assert sleeves == ("sleeve_length=none", "sleeve_length=short")
    labels = (*necks[:2], "scarf", *sleeves, necks[2], "=odd")
    assert groups(labels) == {"neckline": (0, 1, 5), "sleeve_length": (3, 4)}
    assert list(groups(labels)) == ["neckline", "sleeve_length"]
    assert groups(ACTION_UNITS.labels) == {}
    assert len(Task("parts", Kind.ATTRIBUTES, labels, ("",) * 7)) == 7


@pytest.mark.parametrize(
    ("name", "values"),
    [("a=b", ("x", "y")), ("", ("x", "y")), ("a", ("x",)), ("a", ("x", "x")), ("a", "xy"), ("a", ("", "x"))],
)
def test_a_group_needs_a_name_and_different_values(name: str, values: tuple[str, ...]) -> None:
    reason = "^a: needs two or more different values, not " if name == "a" else "needs a name without '=', not "
    with pytest.raises(ValueError, match=reason):
        one_hot_labels(name, values)
