"""The printed table of the compounds, and sets from files."""

import re
from pathlib import Path

import pytest

from mien.compound import WEIGHTINGS, basic_units
from mien.compound_sets import DU_2014, EMOTIONET, EMOTIONET_COMPOUND, RAF_DB, load
from mien.tasks import COMPOUND

# as printed, including AU11: the prototypical units, then the others in brackets with their percentage
PRINTED = """\
happily surprised 1, 2, 12, 25 [5 (64), 26 (67)]
happily disgusted 10, 12, 25 [4 (32), 6 (61), 9 (59)]
sadly fearful 1, 4, 20, 25 [2 (46), 5 (24), 6 (34), 15 (30)]
sadly angry 4, 15 [6 (26), 7 (48), 11 (20), 17 (50)]
sadly surprised 1, 4, 25, 26 [2 (27), 6 (31)]
sadly disgusted 4, 10 [1 (49), 6 (61), 9 (20), 11 (35), 15 (54), 17 (47), 25 (43)]
fearfully angry 4, 20, 25 [5 (40), 7 (39), 10 (30), 11 (33)]
fearfully surprised 1, 2, 5, 20, 25 [4 (47), 10 (35), 11 (22), 26 (51)]
fearfully disgusted 1, 4, 10, 20, 25 [2 (64), 5 (50), 6 (26), 9 (28), 15 (33)]
angrily surprised 4, 25, 26 [5 (35), 7 (50), 10 (34)]
angrily disgusted 4, 10, 17 [7 (60), 9 (57), 24 (36)]
disgustedly surprised 1, 2, 5, 10 [4 (45), 9 (37), 17 (66), 24 (33)]
appalled 4, 10 [6 (25), 9 (56), 17 (67), 24 (36)]
hatred 4, 10 [7 (57), 9 (27), 17 (63), 24 (37)]
awed 1, 2, 5, 25 [4 (21), 20 (62), 26 (56)]
"""


def test_the_table_agrees_with_the_printed_one() -> None:
    for line, each in zip(PRINTED.splitlines(), DU_2014.classes, strict=True):
        label, always, sometimes = re.fullmatch(r"([a-z ]+?) ([\d, ]+) \[(.+)\]", line).groups()  # type: ignore[union-attr]
        units = {f"AU{int(number):02d}": 1.0 for number in always.split(", ")}
        units |= {f"AU{int(unit):02d}": int(share) / 100 for unit, share in re.findall(r"(\d+) \((\d+)\)", sometimes)}
        units.pop("AU11", None)
        assert (each.label, each.units) == (label, units)


def test_expressions_agree_with_the_name() -> None:
    words = {
        "happ": "happiness", "sad": "sadness", "fear": "fear", "ang": "anger", "surpris": "surprise",
        "disgust": "disgust",
    }  # fmt: skip
    for each in (*DU_2014.classes, *EMOTIONET.classes):
        if each.label not in ("appalled", "hatred", "awed"):
            named = {words[key] for part in each.label.split() for key in words if part.startswith(key)}
            assert set(each.expressions) == named, each.label


def test_classes_of_the_sets() -> None:
    assert tuple(each.label for each in RAF_DB.classes) == COMPOUND.labels
    assert len(DU_2014.classes) == 15
    assert len(EMOTIONET.classes) == 16
    assert EMOTIONET.classes[6:] == EMOTIONET_COMPOUND.classes
    assert {each.label for each in EMOTIONET.classes if each.positive} == {
        "happy", "happily surprised", "happily disgusted"
    }  # fmt: skip
    assert RAF_DB.task.labels == COMPOUND.labels
    assert RAF_DB.task.name == "compound"
    assert "not calibrated" in RAF_DB.task.meanings[0]


def test_load_a_name() -> None:
    assert load("raf_db").classes == RAF_DB.classes
    mean = load("raf_db", "mean", 0.5)
    assert (mean.weighting, mean.temperature) == ("mean", 0.5)
    assert mean.classes[0].units["AU12"] == 0.5


def test_load_a_file(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(
        "bored: {expressions: [neutral, sadness], units: {AU04: 0.3}}\n"
        "delighted: {expressions: [happiness, surprise], positive: true}\n"
    )
    own = load(path)
    assert own.task.labels == ("bored", "delighted")
    bored, delighted = own.classes
    assert (bored.expressions, bored.units, bored.positive) == (("neutral", "sadness"), {"AU04": 0.3}, False)
    assert (delighted.units, delighted.positive) == (basic_units(("happiness", "surprise")), True)
    assert delighted.units["AU06"] == 0.51
    assert delighted.units["AU25"] == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("- bored", "expected a mapping from the names of compounds"),
        ("", "expected a mapping from the names of compounds"),
        ("bored: {", "not YAML"),
        ("bored: sad", "bored: expected expressions, and optionally units and positive"),
        ("bored: {units: {AU04: 1}}", "bored: expected expressions"),
        ("bored: {expressions: [sadness], AU04: 1}", "bored: unknown key AU04; known: expressions, units, positive$"),
        ("bored: {expressions: sadness}", "bored: expressions must be a list of names"),
        ("bored: {expressions: [boredom]}", "bored: unknown expression boredom; "),
        ("bored: {expressions: [boredom], units: {AU04: 1}}", "bored: unknown expression boredom; "),
        ("bored: {expressions: [neutral]}", "bored: needs at least one action unit"),
        ("bored: {expressions: [sadness], units: [AU04]}", "bored: units must be a mapping from action units to"),
        ("bored: {expressions: [sadness], units: {AU04: much}}", "bored: units must be a mapping from action units to"),
        ("bored: {expressions: [sadness], units: {AU04: 2}}", r"bored: the weight of AU04 must be in \(0, 1\], not 2"),
        ("bored: {expressions: [sadness], positive: 1}", "bored: positive must be true or false"),
        ("bored: {expressions: [sadness]}", "needs two or more classes, not 1"),
    ],
)
def test_a_file_is_refused_in_one_line(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=f"own.yaml: {reason}") as caught:
        load(path)
    assert "\n" not in str(caught.value)


def test_unknown_names_and_unreadable_files_are_refused(tmp_path: Path) -> None:
    for name, reason in (
        ("raf", r"^raf: no such compounds, and not a \.yaml file; did you mean raf_db\?$"),
        (tmp_path / "none.yaml", r"none\.yaml: no such file"),
        (tmp_path / "folder.yaml", r"folder\.yaml: Is a directory"),
    ):
        (tmp_path / "folder.yaml").mkdir(exist_ok=True)
        with pytest.raises(ValueError, match=reason):
            load(name)


def test_the_documentation_prints_the_same_table() -> None:
    page = (Path(__file__).parents[1] / "docs" / "compounds.md").read_text()
    for each, line in zip(DU_2014.classes, PRINTED.splitlines(), strict=True):
        always, sometimes = line.removeprefix(f"{each.label} ").rstrip("]").split(" [")
        assert f"| {each.label} | {', '.join(each.expressions)} | {always} | {sometimes} |\n" in page
    for name in WEIGHTINGS:
        assert f"| `{name}`" in page
