"""docs/results.md matches the committed reports, and each report matches its study."""

import json
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
KEPT = sorted(path.parent for path in (ROOT / "docs/results").glob("*/study.json"))


def test_tables_match_their_reports() -> None:
    tool = runpy.run_path(str(ROOT / "tools/study_results.py"))
    page = (ROOT / "docs/results.md").read_text()
    assert page == tool["filled"](page)
    assert {found["name"] for found in tool["BLOCK"].finditer(page)} == {folder.name for folder in KEPT}


def test_a_changed_table_is_restored() -> None:
    tool = runpy.run_path(str(ROOT / "tools/study_results.py"))
    page = (ROOT / "docs/results.md").read_text()
    for pattern in ("BLOCK", "CEILINGS"):
        changed = tool[pattern].sub(lambda found: f"{found[1]}| nothing |\n<!-- end -->", page)
        assert changed != page
        assert tool["filled"](changed) == page


@pytest.mark.parametrize("folder", KEPT, ids=lambda folder: folder.name)
def test_a_report_names_its_study_and_command(folder: Path) -> None:
    report = json.loads((folder / "study.json").read_text())
    assert report["name"] == folder.name
    assert (ROOT / report["study"]).is_file()
    assert report["command"].startswith(f"mien study {report['study']}")
    assert f"`{report['command']}`" in (folder / "report.md").read_text()
    assert (folder / "plot.png").stat().st_size > 10_000
