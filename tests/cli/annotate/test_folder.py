"""``mien annotate`` with several videos: a table each, an index, and none stops the others."""

import csv
import multiprocessing
import multiprocessing.connection
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

import mien
from mien.cli.app import app

Clip = Callable[..., Path]
STOP = signal.SIGTERM if signal.getsignal(signal.SIGINT) == signal.SIG_IGN else signal.SIGINT
"""Ctrl-C; a suite in the background hears none, nor do the processes that it starts."""
COLUMNS = ["input", "table", "frames", "faces", "seconds", "status", "error"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clip: Clip, astronaut: Path) -> Path:
    """The current folder, with films/: a.mp4, deep/a.mp4, bad.mp4, cut.avi and a picture."""
    (tmp_path / "films" / "deep").mkdir(parents=True)
    shutil.copy(clip(60, without=range(20, 30)), tmp_path / "films" / "a.mp4")
    shutil.copy(clip(60), tmp_path / "films" / "deep" / "a.mp4")
    (tmp_path / "films" / "bad.mp4").write_text("hello")
    whole = clip(60, suffix=".avi").read_bytes()
    (tmp_path / "films" / "cut.avi").write_bytes(whole[: len(whole) // 2])
    shutil.copy(astronaut, tmp_path / "films" / "portrait.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(network: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["annotate", "--model", str(network), "--threads", "1", *arguments])


def index(folder: str = "annotations") -> list[dict[str, str]]:
    with Path(folder, "index.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_folder_of_videos_and_a_picture(here: Path, network: Path) -> None:
    result = run(network, "films")
    assert result.exit_code == 1
    assert sorted(line.split(": ")[1] for line in result.stderr.splitlines()) == ["films/bad.mp4", "films/cut.avi"]
    rows = index()
    assert list(rows[0]) == COLUMNS
    assert [(row["input"], row["table"], row["status"]) for row in rows] == [
        ("films/a.mp4", "a.parquet", "done"),
        ("films/bad.mp4", "bad.parquet", "failed"),
        ("films/cut.avi", "cut.parquet", "damaged"),
        ("films/deep/a.mp4", "a-2.parquet", "done"),
    ]
    assert (rows[0]["frames"], rows[0]["faces"], rows[0]["seconds"], rows[0]["error"]) == ("60", "50", "1.967", "")
    assert rows[1]["error"] in result.stderr
    for row in rows:
        there = Path("annotations", row["table"])
        assert there.exists() == bool(row["frames"])
        assert not row["frames"] or len(set(pq.read_table(there)["frame"].to_pylist())) == int(row["frames"])
    assert pq.read_table("annotations/pictures.parquet")["input"].to_pylist() == ["films/portrait.png"]
    assert "2 of 4 videos are done: annotations/index.csv" in result.stdout


def test_several_workers_give_what_one_gives(here: Path, network: Path) -> None:
    assert run(network, "films", "--out", "one", "--format", "csv", "-q").exit_code == 1
    result = run(network, "films", "--out", "two", "--format", "csv", "-q", "--workers", "2")
    assert (result.exit_code, result.stdout) == (1, "")
    assert index("one") == index("two")
    for path in Path("one").glob("*.csv"):
        assert (Path("two") / path.name).read_bytes() == path.read_bytes(), path


def test_resume_does_what_is_left(here: Path, network: Path, clip: Clip) -> None:
    assert run(network, "films", "-q").exit_code == 1
    before = index()
    stamp = Path("annotations/a.parquet").stat().st_mtime_ns
    shutil.copy(clip(60), "films/bad.mp4")
    shutil.copy(clip(60), "films/cut.avi")
    Path("annotations/cut.parquet.part").unlink()
    Path("annotations/cut.parquet").unlink()
    for suffix in (".summary.csv", ".tracks.csv"):
        Path(f"annotations/cut{suffix}").unlink()
    assert run(network, "films", "--resume").exit_code == 0
    after = index()
    assert [row["status"] for row in after] == ["done"] * 4
    assert after[0] == before[0]
    assert after[3]["table"] == "a-2.parquet"
    assert Path("annotations/a.parquet").stat().st_mtime_ns == stamp
    assert run(network, "films/deep", "--resume", "--every", "2", "--out", "annotations").exit_code == 1
    assert index() == after  # it was refused: what is done stays so, of other videos too


def test_a_folder_with_one_video_is_a_folder(here: Path, network: Path) -> None:
    assert run(network, "films/deep", "-q").exit_code == 0
    assert [row["table"] for row in index()] == ["a.parquet"]
    assert run(network, "films/deep", "-q", "--out", "one.parquet").exit_code == 0
    assert pq.read_table("one.parquet").num_rows == 60


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--out", "t.parquet"], "--out must be a folder"),
        (["--out", "-"], "--out must be a folder"),
        (["--format", "xml"], "--format xml: no such format; known: parquet, csv, jsonl"),
        (["--overlay", "a.mp4"], "the overlays of several videos need a folder"),
        (["--out", "films"], "is not empty"),
        (["--out", "films/portrait.png/x"], "cannot be written"),
        (["--layout", "openface", "--format", "parquet"], "CSV"),
    ],
)
def test_refusals_end_with_status_2(here: Path, network: Path, arguments: list[str], reason: str) -> None:
    result = run(network, "films", *arguments)
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1), result.output
    assert reason in result.stderr


def test_overlays_have_the_names_of_the_tables(here: Path, network: Path) -> None:
    words = ("--overlay", "drawn", "--layout", "py-feat")
    assert run(network, "films/a.mp4", "films/deep/a.mp4", "films/portrait.png", *words).exit_code == 0
    assert sorted(entry.name for entry in Path("drawn").iterdir()) == ["a-2.mp4", "a.mp4", "portrait.jpg"]
    assert Path("annotations/a-2.csv").exists()


@pytest.mark.parametrize("word", ["--overwrite", "--resume"])
def test_an_overlay_never_replaces_an_input(here: Path, network: Path, clip: Clip, word: str) -> None:
    shutil.copy(clip(60), "films/a.mov")  # whose overlay would be a.mp4
    before = Path("films/a.mp4").read_bytes()
    result = run(network, "films", "--overlay", "films", "--out", "tables", word)
    assert (result.exit_code, result.stderr) == (
        2,
        "mien: films/a.mp4: is an input; choose another folder for the overlays\n",
    )
    assert Path("films/a.mp4").read_bytes() == before
    Path("drawn").mkdir()
    os.link("films/deep/a.mp4", "drawn/a.mp4")  # the same file by another name
    result = run(network, "films/a.mov", "films/deep/a.mp4", "--overlay", "drawn", "--out", "tables", word)
    assert (result.exit_code, result.stderr.split(": ")[1]) == (2, "drawn/a.mp4")


def test_overlays_of_pictures_are_replaced_only_with_overwrite(here: Path, network: Path) -> None:
    Path("drawn").mkdir()
    Path("drawn/portrait.jpg").write_text("mine")
    words = ("films/a.mp4", "films/portrait.png", "--overlay", "drawn")
    result = run(network, *words)
    assert (result.exit_code, result.stderr) == (
        2,
        "mien: drawn: not empty (use --overwrite to replace its files)\n",
    )
    assert not Path("annotations/a.parquet").exists()  # it was said before any work
    assert Path("drawn/portrait.jpg").read_text() == "mine"
    assert run(network, *words, "--overwrite").exit_code == 0
    assert Path("drawn/portrait.jpg").stat().st_size > 1000
    assert run(network, *words, "--resume").exit_code == 0
    result = run(network, "films/deep/a.mp4", "films/portrait.png", "--overlay", "films", "--overwrite")
    assert (result.exit_code, result.stderr.split(": ")[1]) == (2, "films")


@pytest.mark.parametrize("content", ["a.mp4,a.parquet,3.0,3,1.0,done,\n", "\xff", '"'])
def test_an_index_that_cannot_be_read_is_named(here: Path, network: Path, content: str) -> None:
    Path("tables").mkdir()
    header = ",".join(COLUMNS) + "\n"
    Path("tables/index.csv").write_bytes((header + content + "x" * 200_000 * (content == '"')).encode("latin-1"))
    result = run(network, "films", "--out", "tables", "--resume")
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1), result.exception
    assert result.stderr.startswith("mien: tables/index.csv: cannot be read (")


def started(network: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(Path(mien.__file__).parents[1])}
    command = [sys.executable, "-m", "mien", "annotate", "--model", str(network), "--threads", "1", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def wait_for(path: Path, size: int) -> None:
    until = time.monotonic() + 60
    while not path.exists() or path.stat().st_size < size:
        assert time.monotonic() < until
        time.sleep(0.005)


def test_ctrl_c_completes_the_tables_that_were_started(here: Path, network: Path, clip: Clip) -> None:
    for name in ("long.mp4", "longer.mp4", "other.mp4"):
        shutil.copy(clip(120, faces=2), here / name)
    process = started(network, "long.mp4", "longer.mp4", "other.mp4", "--workers", "2")
    for name in ("long", "longer"):
        wait_for(here / "annotations" / f"{name}.parquet.part", 15_000)
    process.send_signal(STOP)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert err.splitlines()[-1].startswith("mien: interrupted; 0 of 3 videos are done: annotations/index.csv")
    assert [row["status"] for row in index()] == ["interrupted", "interrupted", "waiting"]
    for name in ("long", "longer"):
        assert 0 < pq.read_table(f"annotations/{name}.parquet").num_rows < 240
    done = started(network, "long.mp4", "longer.mp4", "other.mp4", "--workers", "2", "--resume")
    assert (done.communicate(timeout=120)[1], done.returncode) == ("", 0)
    tables = [pq.read_table(f"annotations/{name}.parquet").drop(["input"]) for name in ("long", "longer", "other")]
    assert [table.num_rows for table in tables] == [240] * 3
    assert tables[0].equals(tables[1])
    assert tables[0].equals(tables[2])


@pytest.mark.parametrize("done", [True, False], ids=["when they were done", "before they began"])
def test_ctrl_c_is_neither_success_nor_failure(
    here: Path, network: Path, clip: Clip, monkeypatch: pytest.MonkeyPatch, done: bool
) -> None:
    for name in ("one.mp4", "two.mp4", "other.mp4"):
        shutil.copy(clip(60), here / name)
    wait, asked = multiprocessing.connection.wait, list[object]()

    def interrupted(*arguments: Any, timeout: float) -> Any:
        if asked:
            return wait(*arguments, timeout=timeout)
        asked.append(arguments)
        for process in multiprocessing.active_children() if done else ():
            process.join()
        signal.raise_signal(signal.SIGINT)
        return wait(*arguments, timeout=0)

    monkeypatch.setattr(multiprocessing.connection, "wait", interrupted)
    words = ("one.mp4", "two.mp4", "other.mp4", "films/portrait.png", "--workers", "2")
    result = run(network, *words)
    ended = "done" if done else "interrupted"
    assert (result.exit_code, [row["status"] for row in index()]) == (130, [ended, ended, "waiting"])
    assert result.stderr == (
        f"mien: interrupted; {2 * done} of 3 videos are done: annotations/index.csv (use --resume to continue)\n"
    )
    assert not Path("annotations/pictures.parquet").exists()


def test_a_killed_process_does_not_stop_the_others(here: Path, network: Path, clip: Clip) -> None:
    for name in ("long.mp4", "longer.mp4"):
        shutil.copy(clip(120, faces=2), here / name)
    process = started(network, "long.mp4", "longer.mp4", "--workers", "2", "-q")
    wait_for(here / "annotations" / "long.parquet.part", 15_000)
    victim = _child_that_writes(process.pid, "long.parquet.part")
    os.kill(victim, signal.SIGKILL)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert err == "mien: long.mp4: its process was killed (out of memory?); --resume continues\n"
    assert [row["status"] for row in index()] == ["failed", "done"]


def _child_that_writes(parent: int, name: str) -> int:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"PPid:\t{parent}\n" in (folder / "status").read_text() and any(
                link.readlink().name == name for link in (folder / "fd").iterdir()
            ):
                return int(folder.name)
        except OSError:
            continue
    pytest.skip("this system does not tell which process has a file open")
