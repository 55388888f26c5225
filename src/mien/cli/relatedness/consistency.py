"""``mien relatedness consistency``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli.options import JsonOut, Overwrite
from mien.cli.relatedness.arguments import TABLE, open_tables
from mien.cli.terminal import print_table, refusals, refuse_existing, write_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from mien.relatedness.table import Relatedness
    from mien.tasks import Task


def consistency(
    annotations: Annotated[Path, typer.Argument(metavar="ANNOTATIONS", help="A table from `mien annotate`.")],
    relatedness: Annotated[
        str,
        typer.Option(metavar="TABLE", help=TABLE),
    ] = "du_2014",
    threshold: Annotated[
        float, typer.Option(metavar="PROBABILITY", help="Probability from which an attribute counts as present.")
    ] = 0.5,
    margin: Annotated[
        float, typer.Option(metavar="VALENCE", help="Ignore valences that are closer to 0 than this.")
    ] = 0.0,
    out: JsonOut = None,
    overwrite: Overwrite = False,
) -> None:
    """Count how often the predicted class, attributes and valence contradict each other.

    No labels are needed.

    Example:
      mien relatedness consistency faces.parquet --out contradictions.json
    """
    with refusals():
        from mien.relatedness.consistency import measure_consistency

        refuse_existing(out, overwrite=overwrite)
        table, related = read_table(annotations), _only(relatedness)
        tasks = _tasks(related, "valence" in table.column_names)
        outputs = _outputs(annotations, table, tasks)
        found = measure_consistency(outputs, related, tasks, threshold=threshold, margin=margin)
        write_json(out, found)
    names = [name for name in found if name not in ("by_class", "gap")]
    rows = [[label, *(_shown(metrics[name]) for name in names)] for label, metrics in found["by_class"].items()]
    print_table([related.classes, *names], [*rows, ["all", *(_shown(found[name]) for name in names)]])
    if found["gap"] is not None:
        print(f"predicted attributes and those of the predicted classes differ by {found['gap']:.3f} on average")


def _only(name: str) -> Relatedness:
    tables = open_tables(name)
    if len(tables) > 1:
        raise ValueError(f"{name}: has {len(tables)} tables; write one of them to a file with `mien relatedness show`")
    return tables[0]


def _tasks(related: Relatedness, valence: bool) -> list[Task]:
    """The tasks of the table, and valence if it is predicted."""
    from mien.tasks import AFFECT, Kind, Task

    spaces = [
        (related.classes, Kind.CLASSES, related.class_labels),
        (related.attributes, Kind.ATTRIBUTES, related.attribute_labels),
        *([(AFFECT.name, Kind.CONTINUOUS, ("valence",))] if valence else []),
    ]
    return [Task(name, kind, labels, ("",) * len(labels)) for name, kind, labels in spaces]


def _outputs(path: Path, table: pa.Table, tasks: Sequence[Task]) -> Mapping[str, Any]:
    """The predictions of each task, N x labels, of the rows that have a face."""
    import numpy as np

    needed = [label for task in tasks for label in task.labels]
    if lacking := [label for label in needed if label not in table.column_names]:
        raise ValueError(f"{path}: has no column {', '.join(lacking)}")
    faces = table.select(needed).drop_null()
    return {task.name: np.stack([faces[label].to_numpy().astype(float) for label in task.labels], 1) for task in tasks}


def read_table(path: Path) -> pa.Table:
    """A table of ``mien annotate``, in any of its formats.

    Raises:
        ValueError: if it cannot be read; the message is one line.
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
