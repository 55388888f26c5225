"""Copy finished studies to docs/results, and their tables into docs/results.md; no number is typed by hand.

    python tools/study_results.py runs/digits runs/clothing    copies these reports and rewrites the page
    python tools/study_results.py                              rewrites the page from the reports in docs/results

The ceilings come from `mien relatedness ceiling MANIFEST ... --out docs/results/NAME.ceiling.json`.
"""

import json
import re
import shutil
import sys
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"
RESULTS, PAGE = DOCS / "results", DOCS / "results.md"
KEPT = ("report.md", "table.csv", "study.json", "plot.png")
BLOCK = re.compile(r"(<!-- study: (?P<name>[\w.+-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
CEILINGS = re.compile(r"(<!-- ceilings -->\n).*?(<!-- end -->)", re.DOTALL)


def table(name: str) -> str:
    """The means of a study and the command that produced them, as in its report."""
    report = (RESULTS / name / "report.md").read_text()
    command, design = re.search(r"^`(.+?)`, (.+?)\. (?:Figures|Metrics) ", report, re.MULTILINE).groups()
    rows = re.search(r"(?:^\|.*\n)+", report, re.MULTILINE)[0]
    return f"{rows}\n`{command}`, {design}: [full report](results/{name}/report.md).\n"


def ceilings() -> str:
    """The best predictions possible from the data sets' tables, in percent."""
    lines = ["| data | prediction | accuracy | F1 |", "| --- | --- | --- | --- |"]
    for path in sorted(RESULTS.glob("*.ceiling.json")):
        for prediction, metrics in json.loads(path.read_text()).items():
            shown = f"{100 * metrics['accuracy']:.1f} | {100 * metrics['f1']:.1f}"
            lines.append(f"| {path.name.partition('.')[0]} | {prediction} | {shown} |")
    return "\n".join(lines) + "\n"


def filled(page: str) -> str:
    """The page with the table of every study that it names, and the ceilings filled in."""
    page = BLOCK.sub(lambda found: found[1] + table(found["name"]) + found[3], page)
    return CEILINGS.sub(lambda found: found[1] + ceilings() + found[2], page)


if __name__ == "__main__":
    for folder in map(Path, sys.argv[1:]):
        (RESULTS / folder.name).mkdir(parents=True, exist_ok=True)
        for file in KEPT:
            shutil.copy(folder / file, RESULTS / folder.name / file)
    PAGE.write_text(filled(PAGE.read_text()))
