"""Readers are found by the names of their modules, and their options by the signatures of ``read``."""

import inspect
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import pytest

from mien.learn.data.importing.readers import (
    find_reader,
    first_line,
    label_space,
    needs_root,
    parse_options,
    reader_names,
)
from mien.tasks import AFFECT, EXPRESSION, Task


def module(read: Any) -> ModuleType:
    made = ModuleType("own.faces")
    made.read, made.TASKS, made.METADATA = read, (EXPRESSION,), {}  # type: ignore[attr-defined]
    return made


def read(
    root: Path,
    report: Any,
    *,
    share: float = 0.2,
    seed: int = 0,
    votes: bool = False,
    kind: Literal["all", "some"] = "all",
    units: tuple[str, ...] = (),
    labels: Path | None = None,
) -> Iterator[dict[str, Any]]:
    yield {}


def test_every_reader_is_found_and_described() -> None:
    names = reader_names()
    assert {"ferplus", "clothing", "traffic_signs", "digits", "table", "image_folder"} <= set(names)
    assert not {"files", "archive"} & set(names)
    for name in names:
        reader = find_reader(name)
        assert reader.__name__.endswith(f".{name}")
        assert first_line(reader)
        assert all(isinstance(task, Task) for task in getattr(reader, "TASKS", ()))
        assert isinstance(reader.METADATA, dict)


@pytest.mark.parametrize("name", reader_names())
def test_hooks_of_a_reader_are_its_own(name: str) -> None:
    """An imported helper with one of these names would be used as the reader's own and break every import."""
    reader = find_reader(name)
    for hook in ("tasks", "whole", "picture"):
        if function := getattr(reader, hook, None):
            inspect.signature(function).bind(None)
            assert function.__module__.startswith("mien.learn.data.sources."), hook
    if not hasattr(reader, "tasks"):
        assert label_space(reader, Path("root"), {})[0] == reader.TASKS


@pytest.mark.parametrize("name", ["traffic_signs", "Traffic-Signs", "TRAFFIC SIGNS", "trafficsigns"])
def test_case_and_hyphens_do_not_matter(name: str) -> None:
    assert find_reader(name).__name__.endswith(".traffic_signs")


def test_a_module_that_is_not_a_reader_is_unknown() -> None:
    with pytest.raises(ValueError, match="no data set files"):
        find_reader("files")


def test_an_unknown_name_is_refused_with_the_nearest_and_all_names() -> None:
    with pytest.raises(
        ValueError,
        match=r"no data set ferpuls; did you mean ferplus\? \(data sets: .*clothing, cub_200_2011, ",
    ):
        find_reader("ferpuls")
    with pytest.raises(ValueError, match=r"; known: .*clothing, "):
        find_reader("xyz")


def test_options_are_converted_to_their_annotated_types() -> None:
    words = ["share=0.5", "seed=3", "votes=true", "kind=some", "units=[AU01, AU02]", "labels=a/b.csv"]
    assert parse_options(module(read), words) == {
        "share": 0.5,
        "seed": 3,
        "votes": True,
        "kind": "some",
        "units": ("AU01", "AU02"),
        "labels": Path("a/b.csv"),
    }
    assert parse_options(module(read), []) == {}


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("sead=3", r"--option sead=3: faces has no option sead; did you mean seed\?"),
        ("root=x", "faces has no option root"),
        ("seed", "--option seed: write seed=VALUE"),
        ("seed=x", "--option seed=x: Input should be a valid integer"),
        ("kind=none", "--option kind=none: Input should be 'all' or 'some'"),
    ],
)
def test_a_wrong_option_is_one_line(word: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_options(module(read), [word])


def test_tasks_and_metadata_may_depend_on_the_folder() -> None:
    assert label_space(module(read), Path("a/b"), {}) == ((EXPRESSION,), {"source": "b"})
    own: Any = module(read)
    own.tasks = lambda root, *, votes=False: (AFFECT, EXPRESSION) if votes and root.name == "b" else ()
    own.METADATA, own.WHOLE, own.FINDER = {"source": "made up"}, 64, None
    space, metadata = label_space(own, Path("a/b"), {"votes": True, "seed": 2})
    assert space == (AFFECT, EXPRESSION)
    assert metadata == {"source": "made up", "side": 64, "tight": True}
    own.whole = len
    assert label_space(own, Path("a/b"), {"votes": True})[1]["side"] == 2
    assert "side" not in label_space(own, Path("a/b"), {})[1]


def test_some_readers_need_no_folder() -> None:
    assert needs_root(module(read))
    assert not needs_root(find_reader("digits"))
