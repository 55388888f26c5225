"""The command ``mien relatedness consistency``: parses, calls, prints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli.terminal import print_table, refusals

if TYPE_CHECKING:
    import pyarrow as pa


def consistency(
    annotations: Annotated[Path, typer.Argument(metavar="TABLE", help="What `mien annotate` wrote.")],
    by: Annotated[
        str, typer.Option("--by", metavar="RELATEDNESS", help="A named table, a file or a checkpoint, as for `show`.")
    ] = "du_2014",
    threshold: Annotated[float, typer.Option(help="An attribute is there from this probability on.")] = 0.5,
    margin: Annotated[float, typer.Option(help="A valence closer to 0 contradicts nothing.")] = 0.0,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write every figure as JSON.")] = None,
) -> None:
    """How often predicted class, attributes and valence contradict each other; labels are not needed."""
    with refusals():
        import numpy as np

        from mien.cli.relatedness import open_tables
        from mien.relatedness.consistency import measure_consistency as judge
        from mien.tasks import AFFECT, Kind, Task

        table, tables = read_table(annotations), open_tables(by)
        if len(tables) > 1:
            raise ValueError(f"{by}: has {len(tables)} tables; write the one that is meant to a file first")
        (related,) = tables
        tasks = [
            Task(name, kind, labels, ("",) * len(labels))
            for name, kind, labels in (
                (related.classes, Kind.CLASSES, related.class_labels),
                (related.attributes, Kind.ATTRIBUTES, related.attribute_labels),
                (AFFECT.name, Kind.CONTINUOUS, ("valence",)),
            )
            if name != AFFECT.name or "valence" in table.column_names
        ]
        needed = [label for task in tasks for label in task.labels]
        if lacking := [label for label in needed if label not in table.column_names]:
            raise ValueError(f"{annotations}: has no column {', '.join(lacking)}")
        faces = table.select(needed).drop_null()
        outputs = {
            task.name: np.stack([faces[label].to_numpy().astype(float) for label in task.labels], 1) for task in tasks
        }
        found = judge(outputs, related, tasks, threshold=threshold, margin=margin)
        if out is not None:
            out.write_text(json.dumps(found, indent=1) + "\n")
    names = [name for name in found if name not in ("by_class", "gap")]
    rows = [[label, *(_shown(metrics[name]) for name in names)] for label, metrics in found["by_class"].items()]
    print_table([related.classes, *names], [*rows, ["all", *(_shown(found[name]) for name in names)]])
    if found["gap"] is not None:
        print(f"predicted attributes and those of the predicted classes are {found['gap']:.3f} apart on average")


def read_table(path: Path) -> pa.Table:
    """A table of ``mien annotate``, of any of its formats.

    Raises:
        ValueError: if it cannot be read; one line.
    """
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.json
    import pyarrow.parquet

    readers = {".parquet": pa.parquet.read_table, ".csv": pa.csv.read_csv, ".jsonl": pa.json.read_json}
    if path.suffix.lower() not in readers:
        raise ValueError(f"{path}: the name must end in {', '.join(readers)}")
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    try:
        return readers[path.suffix.lower()](str(path))
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"{path}: cannot be read ({' '.join(str(error).split())})") from None


def _shown(value: float | None) -> str:
    return "" if value is None else str(value) if isinstance(value, int) else f"{value:.3f}"
