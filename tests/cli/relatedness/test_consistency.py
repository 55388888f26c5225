"""``mien relatedness consistency``: every format of the table, and what it refuses."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from typer.testing import Result

from mien.annotate.schema import table_schema
from mien.relatedness.consistency import measure_consistency as judge
from mien.relatedness.table import AFF_WILD2
from mien.table.writer import WRITERS, TableWriter
from mien.tasks import FACE

Run = Callable[..., Result]


@pytest.fixture
def outputs() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(5)
    return {
        "expression": generator.dirichlet(np.ones(7), 40),
        "action_units": generator.beta(0.5, 0.5, (40, 17)),
        "affect": generator.uniform(-1, 1, (40, 2)),
    }


@pytest.fixture
def rows(outputs: dict[str, np.ndarray]) -> list[dict[str, object]]:
    faces = [{"input": "a.png", "frame": 0, "face": at} for at in range(40)]
    for task in FACE:
        for row, values in zip(faces, outputs[task.name], strict=True):
            row |= dict(zip(task.labels, values.tolist(), strict=True))
    return [*faces, {"input": "none.png", "frame": 0, "note": "no face found"}]


@pytest.mark.parametrize("suffix", sorted(WRITERS))
def test_contradictions_of_a_table(
    run: Run, tmp_path: Path, outputs: dict[str, np.ndarray], rows: list[dict[str, object]], suffix: str
) -> None:
    with TableWriter(tmp_path / f"t{suffix}", table_schema(FACE, "any")) as store:
        store.write(rows)
    result = run(
        "consistency",
        tmp_path / f"t{suffix}",
        "--relatedness",
        "aff_wild2",
        "--margin",
        0.1,
        "--out",
        tmp_path / "f.json",
    )
    assert (result.exit_code, result.stderr) == (0, "")
    expected = judge(outputs, AFF_WILD2, margin=0.1)
    found = json.loads((tmp_path / "f.json").read_text())
    assert found.pop("by_class").keys() == expected.pop("by_class").keys()
    assert found == pytest.approx(expected, abs=1e-6)
    lines = [line.split("\t") for line in result.stdout.splitlines()]
    assert lines[0][:2] == ["expression", "faces"]
    assert lines[8][:2] == ["all", "40"]
    assert f"differ by {expected['gap']:.3f} on average" in result.stdout


def test_without_valence(run: Run, tmp_path: Path, rows: list[dict[str, object]]) -> None:
    path = tmp_path / "t.parquet"
    columns = [label for task in FACE[:2] for label in task.labels]
    pa.parquet.write_table(pa.Table.from_pylist(rows).select(columns), path)
    result = run("consistency", path)
    assert result.exit_code == 0
    assert "valence" not in result.stdout


def test_refusals(refused: Callable[..., str], tmp_path: Path, rows: list[dict[str, object]]) -> None:
    path = tmp_path / "t.parquet"
    pa.parquet.write_table(pa.Table.from_pylist(rows).drop(["AU04", "fear"]), path)
    (tmp_path / "bad.parquet").write_bytes(b"PAR1")
    for words, reason in (
        ((path,), "t.parquet: has no column fear, AU04"),
        ((tmp_path / "none.csv",), "none.csv: no such file"),
        ((tmp_path / "t.xlsx",), "t.xlsx: the name must end in .parquet, .csv, .jsonl"),
        ((tmp_path / "bad.parquet",), "bad.parquet: cannot be read ("),
        ((path, "--relatedness", "nothing"), "nothing: no such table"),
    ):
        assert reason in refused("relatedness", "consistency", *words)
    assert "no such option: --by" in refused("relatedness", "consistency", path, "--by", "du_2014")
    (tmp_path / "f.json").write_text("mine")
    reason = refused("relatedness", "consistency", path, "--out", tmp_path / "f.json")
    assert reason == f"{tmp_path / 'f.json'}: already exists (use --overwrite to replace it)"
