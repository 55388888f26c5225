"""``mien annotate`` for pictures: the table, what is printed, options that do not go together, the base install."""

import csv
import io
import math
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

import mien
from mien.cli.app import app
from mien.overlay import picture as draw


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, astronaut: Path, network: Path) -> Path:
    """The current folder, with photos/face.png and photos/none.png."""
    (tmp_path / "photos").mkdir()
    shutil.copy(astronaut, tmp_path / "photos" / "face.png")
    Image.new("RGB", (64, 64)).save(tmp_path / "photos" / "none.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(network: Path, *arguments: str, given: str | bytes | None = None) -> Result:
    return CliRunner().invoke(app, ["annotate", "--model", str(network), "--threads", "1", *arguments], input=given)


def test_a_folder_to_the_default_table(here: Path, network: Path) -> None:
    result = run(network, "photos")
    assert result.exit_code == 0
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert lines[0].split("\t") == ["file", "face", "expression", "valence", "arousal", "action units >= 0.5"]
    assert re.fullmatch(r"face\.png\t0\tdisgust 0\.7\d\t[+-]\d\.\d\d\t[+-]\d\.\d\d\t(AU\d\d ?)*", lines[1])
    assert lines[2] == "2 rows: annotations.parquet"
    assert pyarrow.parquet.read_table("annotations.parquet")["note"].to_pylist() == [None, "no face found"]


def test_failures_are_lines_a_list_and_a_status(here: Path, network: Path) -> None:
    Path("cut.jpg").write_bytes(b"\xff\xd8\xff")
    Path("empty").mkdir()
    result = run(network, "missing.jpg", "photos/face.png", "cut.jpg", "empty", "*.webp", "--out", "t.csv")
    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    assert [line.split(": ")[1] for line in lines] == ["missing.jpg", "cut.jpg", "empty", "*.webp"]
    assert all(line.startswith("mien: ") for line in lines)
    assert "4 of 5 inputs failed: t.errors.csv" in result.stdout
    assert len(Path("t.errors.csv").read_text().splitlines()) == 5
    assert run(network, "photos", "--out", "t.csv", "--overwrite", "-q").stdout == ""
    assert not Path("t.errors.csv").exists()


def test_csv_on_standard_output_is_the_only_output(here: Path, network: Path) -> None:
    result = run(network, "-", "--out", "-", given="photos/none.png\nmissing.jpg\nphotos/face.png\n")
    assert result.exit_code == 1
    table = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [row["input"] for row in table] == ["photos/none.png", "photos/face.png"]
    assert result.stderr == "mien: missing.jpg: no such file\n"
    assert not list(here.glob("annotations*"))


def test_overlays(here: Path, network: Path) -> None:
    result = run(network, "photos", "--overlay", "drawn")
    assert "overlays: drawn" in result.stdout
    assert sorted(path.name for path in Path("drawn").iterdir()) == ["face.jpg", "none.jpg"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["photos", "--out", "t.xlsx"], ".parquet, .csv, .jsonl"),
        (["photos", "--out", "none/t.csv"], "cannot be written"),
        (["photos", "--out", ""], "must end in .parquet"),
        (["photos", "--model", "none.onnx"], "none.onnx: no such file"),
        (["photos", "--model", "photos/face.png"], "not an ONNX network"),
        (["photos", "--overlay", "photos", "--overwrite"], "choose another folder"),
        (["-"], "nothing to read"),
        (["photos", "--batch-size", "0"], "--batch-size"),
        (["photos", "--nonsense"], "--nonsense"),
        ([], "INPUT"),
    ],
)
def test_refusals_end_with_status_2(here: Path, network: Path, arguments: list[str], reason: str) -> None:
    result = run(network, *arguments, given="")
    assert result.exit_code == 2
    assert reason in result.stderr
    assert not list(here.glob("*.parquet"))


def test_an_existing_table_is_replaced_only_with_overwrite(here: Path, network: Path) -> None:
    Path("annotations.parquet").write_text("mine")
    result = run(network, "photos")
    assert (result.exit_code, result.stderr) == (
        2,
        "mien: annotations.parquet: already exists (use --overwrite to replace it)\n",
    )
    assert Path("annotations.parquet").read_text() == "mine"
    assert run(network, "photos", "--overwrite").exit_code == 0


def test_interruption_keeps_finished_rows(here: Path, network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save = draw.Overlays.save

    def interrupted(self: draw.Overlays, picture: object, *rest: object) -> object:
        if picture.name.endswith("none.png"):
            raise KeyboardInterrupt
        return save(self, picture, *rest)

    monkeypatch.setattr(draw.Overlays, "save", interrupted)
    result = run(network, "photos", "--overlay", "drawn")
    assert result.exit_code == 130
    assert result.stderr == "mien: interrupted; 2 rows are kept in annotations.parquet\n"
    assert pyarrow.parquet.read_table("annotations.parquet").num_rows == 2


def test_an_overlay_that_fails_does_not_stop_the_rest(
    here: Path, network: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(self: draw.Overlays, picture: object, *_: object) -> None:
        if picture.name.endswith("face.png"):
            raise OSError(36, "File name too long")

    monkeypatch.setattr(draw.Overlays, "save", fails)
    result = run(network, "photos", "--overlay", "drawn")
    assert result.exit_code == 1
    assert result.stderr == ("mien: photos/face.png: its overlay cannot be written: File name too long\n")
    assert pyarrow.parquet.read_table("annotations.parquet").num_rows == 2


def test_nothing_readable(here: Path, network: Path) -> None:
    result = run(network, "missing.jpg")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[0] == "no input could be read"


def test_a_full_disk_is_one_line(here: Path, network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(draw.Overlays, "save", full)
    result = run(network, "photos", "--overlay", "drawn")
    assert (result.exit_code, result.stderr) == (1, "mien: cannot write: No space left on device\n")


def test_many_faces_are_counted_not_printed(here: Path, network: Path) -> None:
    for index in range(22):
        shutil.copy("photos/face.png", f"photos/{index}.png")
    assert "... and 3 more" in run(network, "photos").stdout.splitlines()


BLOCKED = """
import sys
learning = ("torch", "onnx", "yaml", "sklearn", "scipy", "av")
sys.modules.update(dict.fromkeys(learning))
from mien.cli.app import main
try:
    main()
finally:
    assert all(sys.modules[name] is None for name in learning)
"""


def process(code: str, *arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    source = Path(mien.__file__).parents[1]
    environment = os.environ | {"PYTHONPATH": str(source), "PYTHONWARNINGS": "error"}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False, **options)


def test_annotating_needs_no_package_for_training(here: Path, network: Path) -> None:
    done = process(BLOCKED, "annotate", "photos", "--model", str(network), "--overlay", "drawn", "--as-manifest", "set")
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 faces to train on: set" in done.stdout
    plain = process(
        "import sys, mien.cli.app; mien.cli.app.app(standalone_mode=False); assert 'torch' not in sys.modules",
        *("annotate", "photos", "--model", str(network), "--quiet", "--overwrite"),
    )
    assert (plain.returncode, plain.stdout, plain.stderr) == (0, "", "")


def test_a_closed_pipe_is_one_line(here: Path, network: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    code = f"import os; os.dup2({writer}, 1); from mien.cli.app import main; main()"
    done = process(code, "annotate", "photos", "--model", str(network), "--out", "-", pass_fds=[writer])
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "mien: standard output was closed\n")


def row(network: Path, *words: str) -> dict[str, Any]:
    """The row of photos/face.png, numbers as numbers."""
    result = run(network, "photos/face.png", "--out", "-", *words)
    assert (result.exit_code, result.stderr) == (0, "")
    (found,) = csv.DictReader(io.StringIO(result.stdout))
    return {name: float(value) if re.fullmatch(r"-?[\d.]+(e-?\d+)?", value) else value for name, value in found.items()}


def softmax(*scores: float) -> list[float]:
    return [math.exp(score) / sum(map(math.exp, scores)) for score in scores]


def test_compounds_are_equation_8(here: Path, network: Path) -> None:
    Path("own.yaml").write_text(
        "bored: {expressions: [neutral], units: {AU04: 0.3, AU15: 0.1}}\n"
        "glad: {expressions: [happiness, surprise], units: {AU12: 1, AU25: 1}, positive: true}\n"
    )
    found = row(network, "--compounds", "own.yaml")
    bored = (0.3 * found["AU04"] + 0.1 * found["AU15"]) / 0.4 + found["neutral"]
    glad = (found["AU12"] + found["AU25"]) / 2 + found["happiness"] + found["surprise"] + (found["valence"] > 0)
    assert [found["bored"], found["glad"]] == pytest.approx(softmax(bored, glad), abs=1e-5)
    assert found["compound"] == ("bored" if bored > glad else "glad")


def test_compound_units_change_the_weights(here: Path, network: Path) -> None:
    awed = {"AU01": 1, "AU02": 1, "AU05": 1, "AU25": 1, "AU04": 0.21, "AU20": 0.62, "AU26": 0.56}  # docs/compounds.md
    appalled = {"AU04": 1, "AU10": 1, "AU06": 0.25, "AU09": 0.56, "AU17": 0.67, "AU24": 0.36}
    pairs = {"awed": (awed, "surprise", "fear"), "appalled": (appalled, "disgust", "anger")}
    for weighting, weigh in (
        ("fractions", lambda share: share),
        ("equal", lambda share: float(share > 0)),
        ("prototypical", lambda share: float(share == 1)),
    ):
        found = row(network, "--compounds", "du_2014", "--compound-units", weighting)
        scores = []
        for units, one, other in pairs.values():
            weights = {unit: weigh(share) for unit, share in units.items()}
            mean = sum(weight * found[unit] for unit, weight in weights.items()) / sum(weights.values())
            scores.append(mean + found[one] + found[other])
        ratio = math.log(found["awed"] / found["appalled"])
        assert ratio == pytest.approx(scores[0] - scores[1], abs=1e-4), weighting


def test_compounds_are_printed(here: Path, network: Path) -> None:
    result = run(network, "photos/face.png", "--compounds", "raf_db")
    header, first = (line.split("\t") for line in result.stdout.splitlines()[:2])
    assert header == ["file", "face", "expression", "compound", "valence", "arousal", "action units >= 0.5"]
    (found,) = pyarrow.parquet.read_table("annotations.parquet").to_pylist()
    assert first[3] == f"{found['compound']} {found[found['compound']]:.2f}"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--compounds", "raf"), "raf: no such compounds, and not a .yaml file; did you mean raf_db?"),
        (("--compounds", "none.yaml"), "none.yaml: no such file"),
        (("--compound-units", "equal"), "--compound-units: needs --compounds"),
        (("--compounds", "raf_db", "--compound-units", "median"), "unknown weighting median; did you mean mean?"),
    ],
)
def test_compounds_are_refused_in_one_line(here: Path, network: Path, words: tuple[str, ...], reason: str) -> None:
    result = run(network, "photos", *words)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"mien: {reason}")
    assert len(result.stderr.splitlines()) == 1
    assert not Path("annotations.parquet").exists()


def test_a_hangup_that_nohup_ignores_stays_ignored(here: Path, network: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert run(network, "photos", "-q").exit_code == 0
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_impossible_file_names_are_one_line_each(here: Path, network: Path) -> None:
    result = run(network, "-", "x" * 300 + ".mp4", "--out", "annotations", given=b"caf\xe9.png\nphotos/face.png\n")
    assert result.exit_code == 1
    assert sorted(line.split(": ")[1] for line in result.stderr.splitlines()) == ["caf\ufffd.png", "x" * 300 + ".mp4"]
    result = run(network, "x" * 300 + ".mp4")
    assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1), result.exception
