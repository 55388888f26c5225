"""docs/studies.md and the studies of the repository agree with the code."""

import re
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from mien.learn.evaluate.significance import NEGATIVE, NONE, POSITIVE
from mien.learn.study.plan import Repeats, Setting, StudyFile, load, parse_study
from mien.learn.study.report import JSON, MARKDOWN, PLOT, RUNS, TABLE

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/studies.md").read_text()


def rows(heading: str) -> dict[str, list[str]]:
    """The rows of the first table under a heading, by their first cell."""
    table = re.search(r"(?:^\|.*\n)+", PAGE.split(f"\n## {heading}\n", 1)[1], re.MULTILINE)
    assert table
    lines = [[cell.strip() for cell in line[1:-1].split("|")] for line in table[0].splitlines()[2:]]
    return {line[0].strip("`"): line for line in lines}


@pytest.mark.parametrize("model", [StudyFile, Repeats, Setting])
def test_keys_and_defaults(model: type[BaseModel]) -> None:
    found = rows(model.__name__)
    assert list(found) == list(model.model_fields)
    for key, field in model.model_fields.items():
        default = found[key][2]
        if field.is_required():
            assert default == "needed"
        else:
            given = yaml.safe_load(default.strip("`"))
            assert (tuple(given) if isinstance(given, list) else given) == field.default, key


def test_files_and_verdicts() -> None:
    assert set(rows("The report")) == {MARKDOWN, TABLE, RUNS, JSON, PLOT}
    assert set(rows("Verdicts")) == {NEGATIVE, POSITIVE, NONE}


def test_the_example_is_a_study() -> None:
    (text,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert parse_study(yaml.safe_load(text)).name == "clothing"


@pytest.mark.parametrize("path", sorted((ROOT / "studies").glob("*.yaml")), ids=lambda path: path.name)
def test_the_studies_of_the_repository_load(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert load(path).name.startswith(path.stem)  # signs-5 of signs.yaml
