"""``mien train``, and the whole way on real pictures: own CSV -> manifest -> training -> metrics -> ONNX -> table."""

import csv
import json
import signal
import subprocess
import sys
from pathlib import Path
from shutil import copytree

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image
from typer.testing import CliRunner

from mien.cli.app import app

PORTRAIT = Path(__file__).parents[2] / "examples/photos/astronaut.png"


def mien(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bright pictures are happy and mirrored ones have AU12; some labels are left out, one file is broken."""
    root = tmp_path_factory.mktemp("own")
    portrait = np.asarray(Image.open(PORTRAIT).convert("RGB"))[30:230, 120:320]
    rows = []
    for index in range(12):
        bright, mirrored = index % 2, index // 2 % 2
        pixels = np.clip(portrait * (0.6 + 0.5 * bright) + index, 0, 255).astype(np.uint8)
        Image.fromarray(pixels[:, ::-1] if mirrored else pixels).save(root / f"{index:02}.png")
        rows.append(
            {
                "path": f"{index:02}.png",
                "split": "train" if index < 8 else "valid",
                "expression": "" if index == 3 else ("neutral", "happiness")[bright],
                "AU12": "" if index == 5 else mirrored,
                "valence": round(0.8 * bright, 2) if index % 3 else "",
            }
        )
    (root / "broken.png").write_bytes(b"not a picture")
    rows.append({"path": "broken.png", "split": "train", "expression": "neutral", "AU12": 0, "valence": 0})
    with (root / "labels.csv").open("w", newline="") as lines:
        writer = csv.DictWriter(lines, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return root


@pytest.fixture(scope="module")
def prepared(own: Path) -> Path:
    status, output = mien("data", "import", "table", own / "labels.csv", own / "faces")
    assert status == 1
    assert "broken.png: " in output
    assert "12 faces in " in output
    assert "8 train, 4 valid" in output
    assert "labels: expression 11, AU12 11, valence 8" in output
    return own / "faces"


@pytest.fixture(scope="module")
def recipe(prepared: Path) -> Path:
    plain = {
        "name": "own",
        "network": {"FaceBehaviorNet": {"width": 8, "depth": [1, 1]}},
        "data": [{"manifest": str(prepared)}],
        "validation": {"manifest": str(prepared), "split": "valid"},
        "batch_size": 8,
        "couplings": ["DistributionMatching", "SoftCoAnnotation", "CoAnnotation"],
        "epochs": 2,
    }
    path = prepared / "own.yaml"
    path.write_text(yaml.safe_dump(plain))
    return path


@pytest.fixture(scope="module")
def run(recipe: Path) -> Path:
    folder = recipe.parent / "run"
    status, output = mien("train", recipe, "--out", folder)
    assert status == 0, output
    assert "epoch 2/2: expression " in output
    return folder


def test_the_manifest_holds_what_was_labelled(prepared: Path):
    table = pq.read_table(prepared / "manifest.parquet")
    assert table.num_rows == 12
    assert table["expression"].null_count == 1
    assert table["AU12"].null_count == 1
    assert table["valence"].null_count == 4
    assert "arousal" not in table.column_names


def test_a_run_leaves_checkpoints_and_a_log(run: Path):
    assert sorted(path.name for path in run.iterdir()) == ["best", "last", "log.csv"]
    with (run / "log.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert {"loss.expression", "loss.distribution_matching", "expression.accuracy", "affect.ccc"} <= set(rows[0])


def test_checkpoint_and_export_have_the_same_metrics(run: Path, prepared: Path, tmp_path: Path):
    exported, metrics = tmp_path / "own.onnx", tmp_path / "metrics.json"
    status, output = mien("export", run / "best", exported, "--name", "mine")
    assert status == 0, output
    status, output = mien("evaluate", run / "best", exported, prepared, "--split", "valid", "--out", metrics)
    assert status == 0, output
    first, second = json.loads(metrics.read_text())["networks"].values()
    assert first == pytest.approx(second, abs=1e-5)
    assert first["faces"] == 4
    assert {"expression.accuracy", "action_units.f1.AU12", "affect.ccc.valence"} <= set(first)

    out = tmp_path / "table.parquet"
    status, output = mien("annotate", PORTRAIT, "--model", exported, "--out", out)
    assert status == 0, output
    table = pq.read_table(out)
    assert table.num_rows == 1
    assert sum(table[name][0].as_py() for name in ("neutral", "happiness")) <= 1 + 1e-6


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("train", "{recipe}", "--set", "epocs=3"), "epocs: unknown key; did you mean epochs?"),
        (("train", "{recipe}", "--set", "epochs=many"), "epochs"),
        (("train", "{recipe}", "--set", "weights.expresion=2"), "did you mean expression?"),
        (("train", "{recipe}", "--set", "validation.manifest=nowhere"), "nowhere: no such file"),
        (("train", "absent.yaml"), "absent.yaml: cannot be read"),
        (("train", "{recipe}", "--out", "new", "--set", "teachers=[none.onnx]"), "none.onnx: no such file"),
        (("evaluate", "{run}/best", "{vectors}"), "the network cannot read its inputs"),
        (("export", "{faces}", "x.onnx"), "not a checkpoint"),
        (("export", "{run}/best", "x.pt"), "must end in .onnx"),
        (("evaluate", "{run}/best", "{faces}", "--split", "exam"), "no rows of split 'exam'"),
        (("evaluate", "absent.onnx", "{faces}", "--split", "valid"), "absent.onnx"),
        (("data", "import", "ferplus", "{faces}", "out"), "fer2013new.csv"),
        (("data", "import", "table", "{recipe}", "out"), "expected a .csv"),
    ],
)
def test_bad_input_is_one_clear_line(
    words: tuple[str, ...], message: str, run: Path, recipe: Path, prepared: Path, tmp_path: Path, monkeypatch, make_set
):
    monkeypatch.chdir(tmp_path)
    vectors = make_set(tmp_path / "vectors", [{"split": "test", "AU12": 1}], np.zeros((1, 4), np.float32))
    places = {"recipe": recipe, "run": run, "faces": prepared, "vectors": vectors}
    status, output = mien(*(word.format(**places) for word in words))
    assert status == 2
    assert message in output
    assert all(line.startswith("mien: ") for line in output.splitlines())


def test_a_hangup_that_nohup_ignores_stays_ignored(recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from mien.learn.train.trainer import Trainer

    heard: list[object] = []
    monkeypatch.setattr(Trainer, "train", lambda *_: heard.append(signal.getsignal(signal.SIGHUP)))
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        mien("train", recipe, "--out", tmp_path / "run")
    finally:
        signal.signal(signal.SIGHUP, before)
    assert heard == [signal.SIG_IGN]


def test_a_run_is_continued_or_started_over_only_if_asked(run: Path, recipe: Path, tmp_path: Path):
    folder = copytree(run, tmp_path / "run")
    log = (folder / "log.csv").read_bytes()
    status, output = mien("train", recipe, "--out", folder)
    assert (status, output) == (
        2,
        f"mien: {folder}: already holds a run (use --resume to continue it, --overwrite to start over)\n",
    )
    assert mien("train", recipe, "--out", folder, "--resume", "--overwrite")[0] == 2
    status, output = mien("train", recipe, "--out", folder, "--resume")
    assert (status, "epoch" in output) == (0, False)  # it is finished
    assert (folder / "log.csv").read_bytes() == log
    status, output = mien("train", recipe, "--out", folder, "--overwrite", "--set", "epochs=1")
    assert (status, "epoch 1/1" in output) == (0, True)
    assert (folder / "log.csv").read_bytes().count(b"\n") == 2
    assert sorted(path.name for path in folder.iterdir()) == ["best", "last", "log.csv"]


@pytest.mark.parametrize("change", ["epocs=3", "validation.manifest=nowhere", "tasks=[hats]"])
def test_a_run_is_kept_if_the_new_recipe_cannot_be_trained(run: Path, recipe: Path, tmp_path: Path, change: str):
    folder = copytree(run, tmp_path / "run")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert mien("train", recipe, "--out", folder, "--overwrite", "--set", change)[0] == 2
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert sorted(path.name for path in folder.iterdir()) == ["best", "last", "log.csv"]


def test_without_pytorch_the_command_says_what_to_install(recipe: Path):
    code = "import sys; sys.modules['torch'] = None; from mien.cli.app import main; main()"
    result = subprocess.run([sys.executable, "-c", code, "train", str(recipe)], capture_output=True, text=True)
    assert result.returncode == 2
    assert "pip install 'mien[train]'" in result.stderr
    assert "Traceback" not in result.stderr
