"""`mien relatedness`: show, infer and compare tables. NumPy and all that needs it are imported inside the commands."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli.terminal import fail, print_table, refusals

if TYPE_CHECKING:
    from mien.learn.data.manifest.manifest import Manifest
    from mien.relatedness.difference import Cell
    from mien.relatedness.heatmap import HeatMap
    from mien.relatedness.table import Relatedness
    from mien.tasks import Task

relatedness = typer.Typer(
    help="Show, infer and compare tables of p(attribute | class).", no_args_is_help=True, rich_markup_mode=None
)

Out = Annotated[Path | None, typer.Option(metavar="FILE", help="Also write it: .csv, .json, or .png for a heat map.")]
Most = Annotated[int, typer.Option(min=1, metavar="N", help="Classes to print; the files .csv and .json have all.")]
TABLE = "A named table, a .csv or .json file, a checkpoint folder or an exported .onnx file."
Table = Annotated[str, typer.Argument(metavar="TABLE", help=TABLE)]
IMAGE = ".png"


@relatedness.command()
def show(table: Table, out: Out = None, most: Most = 30) -> None:
    """Print a table, as a heat map where the terminal has colours.

    The named tables are du_2014, aff_wild2 and aff_wild2_002.
    """
    from mien.relatedness.heatmap import heat_map

    with _refusals():
        if out is not None:
            _check(out, ".csv", ".json", IMAGE)
        tables = open_tables(table)
        for number, each in enumerate(tables, 1):
            _print(heat_map(each, most), each.classes)
            _print_informative(each)
            if out is not None:
                _write(each, out if len(tables) == 1 else _numbered(out, number), most)


@relatedness.command()
def infer(
    manifest: Annotated[Path, typer.Argument(metavar="MANIFEST", help="A manifest, or the folder that holds it.")],
    classes: Annotated[str, typer.Option(metavar="TASK", help="The task of the rows: classes.")],
    attributes: Annotated[str, typer.Option(metavar="TASK", help="The task of the columns: attributes.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The table: .csv or .json; .png for a heat map alone.")],
    split: Annotated[str, typer.Option(help="Which of its rows.")] = "train",
    smoothing: Annotated[
        float, typer.Option(min=0, metavar="ROWS", help="Pull each class by so many rows towards the overall rates.")
    ] = 0.0,
    minimum_support: Annotated[
        int, typer.Option(min=1, metavar="ROWS", help="A cell of fewer rows gets the attribute's overall rate.")
    ] = 1,
    prototypical: Annotated[
        float | None, typer.Option(metavar="SHARE", help="Mark cells from this share on as prototypical, weight 1.")
    ] = None,
    most: Most = 30,
) -> None:
    """Count how often each attribute goes with each class, in rows that are labelled for both."""
    with _refusals():
        from mien.learn.data.manifest.manifest import read_manifest
        from mien.relatedness.heatmap import heat_map
        from mien.relatedness.inference import infer as count

        _check(out, ".csv", ".json", IMAGE)
        rows = read_manifest(manifest).split(split)
        rows_task, columns_task = task_of(rows, classes), task_of(rows, attributes)
        settings = f"smoothing {smoothing:g}, minimum support {minimum_support}"
        name = rows.metadata.get("source") or rows.path.parent.name
        found = count(
            rows_task,
            columns_task,
            class_labels_of(rows, rows_task),
            rows.column(columns_task),
            smoothing=smoothing,
            minimum_support=minimum_support,
            prototypical=prototypical,
            source=f"inferred from {name}, split {split}, {len(rows)} rows; {settings}",
        )
        _print(heat_map(found, most), found.classes)
        _print_informative(found)
        _print_support(found, minimum_support)
        _write(found, out, most)


@relatedness.command()
def diff(
    first: Table,
    second: Table,
    tolerance: Annotated[float, typer.Option(min=0, help="Weights that differ by no more are the same.")] = 0.005,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Also draw the difference: .png.")] = None,
    most: Most = 30,
) -> None:
    """Print where two tables differ, the largest difference first, and the labels that one of them lacks.

    Of checkpoints with several tables, those over the same two tasks are compared.
    """
    from mien.relatedness.difference import diff as compare
    from mien.relatedness.heatmap import difference_map, save_heat_map

    with _refusals():
        if out is not None:
            _check(out, IMAGE)
        pairs = _pairs(first, second)
        for at, (a, b) in enumerate(pairs, 1):
            difference = compare(a, b, tolerance)
            shown = difference_map(difference, first, second, most)
            if sys.stdout.isatty() and difference.cells:
                _print(shown, a.classes)
            if difference.cells:
                header = [a.classes, a.attributes, first, second, "difference"]
                print_table(header, [_line(cell) for cell in difference.cells[:most]])
            if len(difference.cells) > most:
                print(f"... and {len(difference.cells) - most} more")
            for (side, kind), labels in difference.lacking.items():
                if labels:
                    print(f"{first if side == 'first' else second} lacks the {kind} {_listed(labels)}")
            print(f"{len(difference.cells)} of {difference.values.size} cells differ by more than {tolerance:g}")
            if out is not None:
                target = out if len(pairs) == 1 else _numbered(out, at)
                save_heat_map(shown, target)
                print(f"heat map: {target}")


def open_tables(name: str) -> list[Relatedness]:
    """The named table, or those of a .csv, a .json, a checkpoint folder or an exported network.

    Raises:
        ValueError: if there are none; one line.
    """
    from mien.relatedness.table import NAMED, SUFFIXES, Relatedness

    if name in NAMED:
        return [NAMED[name]]
    path = Path(name)
    if path.suffix.lower() in SUFFIXES:
        return [Relatedness.load(path)]
    if path.suffix.lower() == ".onnx":
        from mien.annotate.model import Model

        metadata = Model(path).metadata
    elif path.is_dir():
        metadata = _card(path)
    else:
        kinds = "a .csv, .json or .onnx file, or a checkpoint folder"
        raise ValueError(f"{name}: no such table ({', '.join(NAMED)}), and not {kinds}")
    found = metadata.get("relatedness") or []
    if not found:
        raise ValueError(f"{name}: carries no relatedness")
    try:
        return [Relatedness.from_dict(each) for each in (found if isinstance(found, list) else [found])]
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _card(folder: Path) -> dict[str, Any]:
    """The card of a checkpoint, read without PyTorch."""
    try:
        return dict(json.loads((folder / "checkpoint.json").read_text(encoding="utf-8")))
    except (OSError, TypeError, ValueError):
        raise ValueError(f"{folder}: not a checkpoint of mien (no readable checkpoint.json)") from None


def _pairs(first: str, second: str) -> list[tuple[Relatedness, Relatedness]]:
    """Tables to compare: the only ones, or those over the same tasks."""
    ours, theirs = open_tables(first), open_tables(second)
    if len(ours) == len(theirs) == 1:
        return [(ours[0], theirs[0])]
    pairs = [(a, b) for a in ours for b in theirs if (a.classes, a.attributes) == (b.classes, b.attributes)]
    if not pairs:
        raise ValueError(f"{first} and {second} have no table over the same two tasks")
    return pairs


def task_of(manifest: Manifest, name: str) -> Task:
    """A task of a manifest by its name; ValueError if there is none."""
    found = next((task for task in manifest.tasks if task.name == name), None)
    if found is None:
        known = ", ".join(f"{task.name} ({task.kind.value})" for task in manifest.tasks)
        raise ValueError(f"{manifest.path}: has no task {name} (there are {known})")
    return found


def class_labels_of(manifest: Manifest, task: Task) -> Any:
    """Hard labels, or the shares of the votes where there are no others."""
    import numpy as np

    hard = manifest.column(task, hard=True)
    return manifest.column(task) if np.isnan(hard).all() else hard


def _print(shown: HeatMap, classes: str) -> None:
    """Shaded cells for people on a terminal, lines with tabs for programs elsewhere."""
    if sys.stdout.isatty():
        from rich.console import Console

        from mien.relatedness.heatmap_terminal import print_heat_map

        print_heat_map(shown, Console())
        return
    rows = [
        [label, *(_shown(value, mark) for value, mark in zip(values, marks, strict=True))]
        for label, values, marks in zip(shown.rows, shown.values, shown.marked, strict=True)
    ]
    print_table([classes, *shown.columns], rows)
    print("\n".join(shown.notes))


def _print_informative(table: Relatedness) -> None:
    """The attributes that tell most, and those that tell nothing."""
    import numpy as np

    from mien.relatedness.inference import informativeness

    told = informativeness(table)
    order = [at for at in np.argsort(-told, kind="stable")[:8] if told[at] > 0]
    words = ", ".join(f"{table.attribute_labels[at]} {told[at]:.2f}" for at in order)
    classes = table.classes.replace("_", " ")
    print(
        f"tell most about the {classes} (mutual information, the largest is 1): {words}"
        if order
        else f"no attribute tells anything about the {classes}"
    )


def _print_support(table: Relatedness, minimum: int) -> None:
    assert table.support is not None
    lacking = table.support < minimum
    print(f"{lacking.size - lacking.sum()} of {lacking.size} cells were counted over {minimum} rows or more")
    if lacking.any():
        print(f"the other {lacking.sum()} carry the overall rate of their attribute")
    never = [label for label, none in zip(table.attribute_labels, (table.support == 0).all(0), strict=True) if none]
    if never:
        print(f"no row is annotated for {_listed(never)}: weight 0")


def _write(table: Relatedness, target: Path, most: int) -> None:
    from mien.relatedness.heatmap import heat_map, save_heat_map

    if target.suffix.lower() == IMAGE:
        save_heat_map(heat_map(table, most), target)
        print(f"heat map: {target}")
    else:
        table.save(target)
        print(f"table: {target}")


def _line(cell: Cell) -> list[str]:
    both = [_shown(weight, mark) for weight, mark in zip(cell.weights, cell.prototypical, strict=True)]
    return [cell.row, cell.column, *(text if text != "0" else "" for text in both), f"{cell.difference:+.3g}"]


def _shown(weight: float, prototypical: bool) -> str:
    return f"{weight:.4g}" + ("*" if prototypical else "")


def _listed(labels: Sequence[str], most: int = 10) -> str:
    more = f" and {len(labels) - most} more" if len(labels) > most else ""
    return ", ".join(labels[:most]) + more


def _check(out: Path, *suffixes: str) -> None:
    """Refuse before anything is computed what could not be written afterwards."""
    if out.suffix.lower() not in suffixes:
        raise ValueError(f"{out}: the file's name must end in {', '.join(suffixes)}")
    if out.suffix.lower() == IMAGE:
        import matplotlib  # noqa: F401


def _numbered(out: Path, number: int) -> Path:
    return out.with_stem(f"{out.stem}-{number}")


@contextmanager
def _refusals() -> Iterator[None]:
    """Bad input as one line, and so a picture without what draws it."""
    try:
        with refusals():
            yield
    except ModuleNotFoundError as error:
        fail(f"a .png needs {error.name}: pip install 'mien[train]'", 2)
