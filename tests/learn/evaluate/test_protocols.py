"""The protocols name data sets and tasks that the readers write, and select the metrics that there are."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from mien.learn.data import sources
from mien.learn.evaluate.metrics import metrics
from mien.learn.evaluate.protocols import PROTOCOLS, official
from mien.tasks import ACTION_UNITS, AFFECT, ALL_TASKS, EXPRESSION, FACE


@pytest.mark.parametrize("name", sorted(set(PROTOCOLS) - {"caf"}))
def test_a_protocol_is_of_a_data_set_that_a_reader_writes(name: str) -> None:
    module = {"clothing_attributes": "clothing"}.get(name, name)
    reader = import_module(f"mien.learn.data.sources.{module}")
    text = Path(str(reader.__file__)).read_text()
    assert f'"{name}"' in text
    tasks = {task.name for task in getattr(reader, "TASKS", ())} or {"species", "attributes"}
    wanted = {metric.split(".")[0] for metric in PROTOCOLS[name]} - {"identity"}
    assert wanted <= tasks | ({"compound"} if name == "raf_db_compound" else set())
    assert Path(str(sources.__file__)).parent.joinpath(f"{module}.py").is_file()


def names() -> list[str]:
    import numpy as np

    outputs = {task.name: np.eye(20, len(task)) for task in ALL_TASKS}
    labels = {task.name: np.arange(20) % len(task) for task in (EXPRESSION, ALL_TASKS[-1])}
    labels |= {task.name: np.eye(20, len(task)) for task in (ACTION_UNITS, AFFECT)}
    mask = {name: np.ones(each.shape, bool) for name, each in labels.items()}
    return list(metrics(outputs, labels, mask, ALL_TASKS))


@pytest.mark.parametrize(
    ("database", "wanted"),
    [
        ("aff_wild", ("affect.ccc.valence", "affect.ccc.arousal", "affect.ccc")),
        ("affectnet", ("affect.ccc.valence", "affect.ccc.arousal", "affect.ccc", "expression.accuracy")),
        ("raf_db", ("expression.mean_recall",)),
        ("disfa", ("action_units.f1", *(f"action_units.f1.{label}" for label in ACTION_UNITS.labels))),
        ("emotionet", ("action_units.afa", "expression.f1_uar", "compound.f1_uar")),
    ],
)
def test_official_metrics(database: str, wanted: tuple[str, ...]) -> None:
    assert official(names(), ALL_TASKS, database) == wanted


def test_all_metrics_of_the_protocols_of_faces_exist() -> None:
    there = names()
    for name in ("caf", "gft", "bp4d", "bp4d_plus", "aff_wild2", "afew_va", "raf_db_compound", "abaw4_lsd"):
        assert len(official(there, ALL_TASKS, name)) >= len(PROTOCOLS[name])


def test_without_a_protocol_or_its_metrics_the_headline_is_official() -> None:
    there = ["faces", "expression.accuracy", "expression.mean_recall", "expression.f1", "expression.recall.fear"]
    headline = ("expression.accuracy", "expression.mean_recall", "expression.f1")
    assert official(there, FACE, "my own") == official(there, FACE, "disfa") == headline


def test_the_page_names_every_protocol() -> None:
    page = (Path(__file__).parents[3] / "docs/evaluation.md").read_text().split("## Protocols")[1].split("## ")[0]
    first = "".join(line.split("|")[1] for line in page.splitlines() if line.startswith("| `"))
    assert set(re.findall(r"`(\w+)`", first)) - {"dataset"} == set(PROTOCOLS)
