"""kill -9 at any moment: a resumed run ends with a table byte-identical to that of an uninterrupted run."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import mien

Clip = Callable[..., Path]
STOP = signal.SIGTERM if signal.getsignal(signal.SIGINT) == signal.SIG_IGN else signal.SIGINT
"""Ctrl-C; a test suite in the background ignores it, and so do its processes."""
KILLS = 10


def start(network: Path, source: Path, out: Path, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "mien", "annotate", str(source), "--out", str(out), "--model", str(network)]
    environment = os.environ | {"PYTHONPATH": str(Path(mien.__file__).parents[1]), "PYTHONWARNINGS": "error"}
    options = ["--threads", "1", "--smooth", "3", *more]
    return subprocess.Popen(
        [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def test_killed_many_times(network: Path, clip: Clip, tmp_path: Path) -> None:
    source, whole, out = clip(300, without=range(200, 230), faces=2), tmp_path / "whole.parquet", tmp_path / "a.parquet"
    status, said, faults = ended(start(network, source, whole))
    assert (status, faults) == (0, ""), said
    size = 2 * whole.stat().st_size
    generator = random.Random(1)
    part = tmp_path / "a.parquet.part"
    killed, steps = 0, 0
    while True:
        process = start(network, source, out, "--resume")
        goal = (part.stat().st_size if part.exists() else 0) + generator.uniform(0, size / KILLS)
        while process.poll() is None and (part.stat().st_size if part.exists() else 0) < goal:
            time.sleep(0.002)
        time.sleep(generator.uniform(0, 0.02))
        process.send_signal(signal.SIGKILL)
        status, _, faults = ended(process)
        assert faults == ""
        steps += 1
        killed += status == -signal.SIGKILL
        if status == 0:
            break
        assert steps < 60
    assert killed >= KILLS // 2
    assert out.read_bytes() == whole.read_bytes()
    made = [f"{stem}.{kind}" for stem in ("a", "whole") for kind in ("parquet", "summary.csv", "tracks.csv")]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == made
    status, said, faults = ended(start(network, source, out, "--resume"))
    assert (status, said, faults) == (0, f"{out}: already complete\n", "")


def test_ctrl_c_and_resume(network: Path, clip: Clip, tmp_path: Path) -> None:
    source, out = clip(300, without=range(200, 230), faces=2), tmp_path / "a.csv"
    process = start(network, source, out)
    while not (part := tmp_path / "a.csv.part").exists() or part.stat().st_size < 40_000:
        assert process.poll() is None
        time.sleep(0.002)
    process.send_signal(STOP)
    status, _, faults = ended(process)
    assert status == 130
    assert "interrupted; " in faults
    assert "rows of" in faults
    assert "use --resume to continue" in faults
    assert len(faults.splitlines()) == 1
    kept = out.read_text().splitlines()
    assert 1 < len(kept) < 570
    assert ended(start(network, source, out, "--resume"))[0] == 0
    assert len(out.read_text().splitlines()) == 1 + 2 * 270 + 30
