"""``mien annotate`` with one video: what is printed and written, and the status, also for bad inputs."""

import json
import os
import re
import shutil
import subprocess
import sys
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

import mien
from mien.cli.app import app
from mien.video import run as video

Clip = Callable[..., Path]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clip: Clip) -> Path:
    """The current folder, with talk.mp4: two seconds, the face away for a third of one."""
    shutil.copy(clip(60, without=range(20, 30)), tmp_path / "talk.mp4")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(network: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["annotate", "--model", str(network), "--threads", "1", *arguments])


def refused(result: Result, status: int, reason: str) -> None:
    assert result.exit_code == status, result.output
    assert result.stderr.startswith("mien: ")
    assert reason in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_video_to_the_default_table(here: Path, network: Path) -> None:
    result = run(network, "talk.mp4")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert re.fullmatch(r"talk\.mp4: 60 frames, 50 faces, \d+ frames/s", lines[0])
    assert lines[1] == "60 rows: annotations.parquet"
    assert pq.read_table("annotations.parquet").num_rows == 60
    assert run(network, "talk.mp4", "-q", "--overwrite").stdout == ""


def test_options_of_videos(here: Path, network: Path) -> None:
    words = ("--fps", "10", "--start", "0.5", "--end", "1.6", "--smooth", "3", "--smooth-seconds", "0.2")
    assert run(network, "talk.mp4", *words, "--compounds", "raf_db", "--max-faces", "1").exit_code == 0
    table = pq.read_table("annotations.parquet")
    assert table["frame"].to_pylist() == [15, 18, 21, 24, 27, 30, 33, 36, 39, 42, 45]
    assert {"valence_smooth", "compound", "compound_smooth"} <= set(table.column_names)
    assert json.loads(table.schema.metadata[b"options"])["fps"] == 10


def test_layouts_and_overlay(here: Path, network: Path) -> None:
    assert run(network, "talk.mp4", "--layout", "openface", "--out", "of.csv").exit_code == 0
    header = Path("of.csv").read_text().splitlines()[0].split(",")
    assert header[:5] == ["frame", "face_id", "timestamp", "confidence", "success"]
    result = run(network, "talk.mp4", "--out", "t.jsonl", "--overlay", "drawn.mp4")
    assert result.stdout.splitlines()[-1] == "overlay: drawn.mp4"
    assert len(Path("t.jsonl").read_text().splitlines()) == 60
    with av.open("drawn.mp4") as drawn:
        assert sum(1 for _ in drawn.decode(video=0)) == 60


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["talk.mp4", "--out", "t.xlsx"], "must end in"),
        (["talk.mp4", "--out", "none/t.csv"], "cannot be written"),
        (["talk.mp4", "--out", "-"], "needs a file"),
        (["talk.mp4", "--overlay", "drawn"], "must end in .mp4"),
        (["talk.mp4", "--overlay", "none/drawn.mp4"], "no folder none"),
        (["talk.mp4", "--overlay", "talk.mp4", "--overwrite"], "is the input video; choose another file"),
        (["talk.mp4", "--smooth", "4"], "odd"),
        (["talk.mp4", "--layout", "excel", "--out", "a.csv"], "unknown layout excel"),
        (["talk.mp4", "--layout", "openface"], "must end in .csv"),
        (["talk.mp4", "--quality", "superb"], "superb"),
        (["talk.mp4", "--fps", "5", "--every", "2"], "every and fps cannot be combined"),
        (["talk.mp4", "--fps", "-1"], "fps"),
        (["talk.mp4", "--start", "2", "--end", "1"], "end must be after start"),
        (["talk.mp4", "--as-manifest", "set"], "for pictures only"),
        (["talk.mp4", "--resume", "--overwrite"], "--resume continues and --overwrite starts over"),
        (["talk.mp4", "--source", "talk.mp4"], "give either an INPUT or a --source"),
        (["face.png", "--every", "2", "--resume"], "--every, --resume: for videos only, but there is none"),
    ],
)
def test_refusals_end_with_status_2(
    here: Path, network: Path, astronaut: Path, arguments: list[str], reason: str
) -> None:
    shutil.copy(astronaut, "face.png")
    refused(run(network, *arguments), 2, reason)
    assert sorted(entry.name for entry in here.iterdir()) == ["face.png", "talk.mp4"]


def test_resume_of_what_is_finished_and_of_what_is_another(here: Path, network: Path) -> None:
    assert run(network, "talk.mp4", "--resume").exit_code == 0
    again = run(network, "talk.mp4", "--resume")
    assert (again.exit_code, again.stdout) == (0, "annotations.parquet: already complete\n")
    refused(run(network, "talk.mp4", "--resume", "--every", "2"), 2, "every (was 1, is 2)")
    shutil.copy("talk.mp4", "talk.old")
    Path("talk.mp4").write_bytes(Path("talk.mp4").read_bytes() + b"\0")
    refused(run(network, "talk.mp4", "--resume"), 2, "video (was")


def test_ctrl_c_before_the_first_frame(here: Path, network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> Iterator[object]:
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(video, "watch", interrupted)
    refused(run(network, "talk.mp4"), 130, "talk.mp4: interrupted; nothing was written")
    assert [entry.name for entry in here.iterdir()] == ["talk.mp4"]


def test_a_gif_is_a_video_if_it_moves(here: Path, network: Path, astronaut: Path) -> None:
    frames = [Image.open(astronaut).convert("RGB").resize((200, 200)).rotate(angle) for angle in (0, 5, 10)]
    frames[0].save("moves.gif", save_all=True, append_images=frames[1:], duration=40)
    frames[0].save("still.gif")
    assert run(network, "moves.gif", "--out", "a.csv").stdout.startswith("moves.gif: 3 frames, 3 faces")
    assert "time" not in run(network, "still.gif", "--out", "-").stdout.splitlines()[0]


def test_a_series_of_pictures(here: Path, network: Path, astronaut: Path) -> None:
    Path("shots").mkdir()
    for index in range(3):
        shutil.copy(astronaut, f"shots/img_{index:03}.png")
    for number, words in enumerate((["shots/img_%03d.png"], ["--source", "shots"], ["--source", "shots/*.png"])):
        assert run(network, *words, "--out", f"{number}.parquet").exit_code == 0
        assert pq.read_table(f"{number}.parquet")["frame"].to_pylist() == [0, 1, 2]


def test_a_stream(here: Path, network: Path) -> None:
    stream = ("--source", "lavfi:testsrc=size=320x240:rate=30")
    result = run(network, *stream, "--end", "1", "--out", "live.csv")
    assert (result.exit_code, result.stderr) == (0, "")
    assert len(Path("live.csv").read_text().splitlines()) == 31
    refused(run(network, *stream, "--resume"), 2, "a stream cannot be resumed")
    refused(run(network, *stream, "--overlay", "drawn.mp4"), 2, "a stream cannot have an overlay")
    refused(run(network, "--source", "/dev/video99"), 1, "cannot be opened")


# Bad inputs.


def sound(path: str) -> None:
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(16000))


def test_what_is_no_video_is_one_line(here: Path, network: Path) -> None:
    whole = Path("talk.mp4").read_bytes()
    Path("empty.mp4").touch()
    Path("text.mp4").write_text("hello\n" * 100)
    Path("cut.mp4").write_bytes(whole[: len(whole) // 2])  # its index stands at the end
    Path("folder.mp4").mkdir()
    sound("sound.avi")
    for name in ("none.mp4", "empty.mp4", "text.mp4", "cut.mp4", "sound.avi"):
        result = run(network, name)
        refused(result, 1, f"{name}: ")
        assert result.stdout == ""
    assert not list(here.glob("annotations*"))


def test_nothing_between_start_and_end(here: Path, network: Path) -> None:
    refused(run(network, "talk.mp4", "--start", "100"), 1, "talk.mp4: no frames from 100 s on")
    assert not list(here.glob("annotations*"))


def test_damage_in_mid_stream(here: Path, network: Path, clip: Clip) -> None:
    whole = clip(60, suffix=".avi").read_bytes()
    Path("cut.avi").write_bytes(whole[: len(whole) // 2])
    result = run(network, "cut.avi", "--out", "t.csv", "--overlay", "drawn.mp4")
    refused(result, 1, "cut.avi: ")
    rows = len(Path("t.csv").read_text().splitlines()) - 1
    assert 0 < rows < 60
    assert f"{rows} rows: t.csv" in result.stdout
    with av.open("drawn.mp4") as drawn:
        assert sum(1 for _ in drawn.decode(video=0)) == rows


def test_damaged_packets_are_counted(here: Path, network: Path, clip: Clip) -> None:
    content = bytearray(clip(60, suffix=".avi").read_bytes())
    for at in range(len(content) // 3, len(content) // 3 + 3000, 7):
        content[at] ^= 0xFF
    Path("hurt.avi").write_bytes(content)
    result = run(network, "hurt.avi", "--out", "t.parquet")
    refused(result, 1, "hurt.avi: ")
    assert re.search(r"damaged (after|packets)", result.stderr)
    assert pq.read_table("t.parquet").num_rows > 20


def test_no_face_at_all(here: Path, network: Path, clip: Clip) -> None:
    shutil.copy(clip(90, without=range(90)), "empty.mp4")
    result = run(network, "empty.mp4", "--smooth", "3")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("empty.mp4: 90 frames, 0 faces")
    table = pq.read_table("annotations.parquet")
    assert set(table["note"].to_pylist()) == {"no face found"}
    assert table["valence_smooth"].null_count == 90


def test_an_unwritable_place_is_found_before_any_work(here: Path, network: Path) -> None:
    Path("file").touch()
    refused(run(network, "talk.mp4", "--out", "file/t.csv"), 2, "cannot be written")
    Path("t.csv").mkdir()
    refused(run(network, "talk.mp4", "--out", "t.csv"), 2, "is a folder")


LIMITED = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a file that grows too large is then an error, as on a full disk
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)),) * 2)
from mien.cli.app import main
main()
"""


def test_no_room_for_the_table(here: Path, network: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(Path(mien.__file__).parents[1]), "PYTHONWARNINGS": "error"}
    command = ["annotate", "talk.mp4", "--model", str(network), "--threads", "1", "--out", "t.jsonl"]
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, "40000", *command], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 1
    assert done.stderr == (
        "mien: talk.mp4: cannot write: File too large; finished frames are kept in t.jsonl.part\n"
    ), done.stdout
    assert not Path("t.jsonl").exists()
    assert run(network, "talk.mp4", "--out", "t.jsonl", "--resume").exit_code == 0
    assert len(Path("t.jsonl").read_text().splitlines()) == 60


def test_csv_reads_back(here: Path, network: Path) -> None:
    run(network, "talk.mp4", "--out", "t.csv")
    run(network, "talk.mp4", "--out", "u.parquet")
    read, exact = pyarrow.csv.read_csv("t.csv"), pq.read_table("u.parquet")
    assert read["time"].to_pylist() == exact["time"].to_pylist()
    assert read["track"].to_pylist() == exact["track"].to_pylist()
