"""``mien report``: the page, its thumbnails and failures, and what it refuses."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import av
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from mien.cli.app import app

FACES = [(frame, frame / 25, 0) for frame in range(20)]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, annotations: Callable[..., Path]) -> Path:
    """The current folder, with t.parquet of a.mp4, which is not there."""
    annotations(tmp_path / "t.parquet", FACES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def video(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", 25)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for _ in range(20):
            container.mux(stream.encode(av.VideoFrame.from_image(Image.new("RGB", (160, 120)))))
        container.mux(stream.encode(None))
    return path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["report", *arguments])


def test_the_page_is_written_next_to_the_table(here: Path) -> None:
    result = run("t.parquet")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "no thumbnails of a.mp4: no such file (give it with --video FILE)",
        "report: t.html",
    ]
    assert "<title>a.mp4</title>" in Path("t.html").read_text()
    assert not list(here.glob("*.part"))
    again = run("t.parquet")
    assert (again.exit_code, again.stderr) == (2, "mien: t.html: already exists (use --overwrite to replace it)\n")
    assert run("t.parquet", "--overwrite", "-q").stdout == ""


def test_thumbnails_are_of_the_video(here: Path) -> None:
    video(here / "elsewhere.mp4")
    assert run("t.parquet", "--video", "elsewhere.mp4").stdout.splitlines() == ["report: t.html"]
    assert Path("t.html").read_text().count("data:image/jpeg") > 5
    Path("elsewhere.mp4").rename("a.mp4")
    assert run("t.parquet", "--out", "u.html").stdout.splitlines() == ["report: u.html"]
    assert Path("u.html").read_text() == Path("t.html").read_text()


def test_a_video_next_to_the_table_is_found(here: Path, annotations: Callable[..., Path]) -> None:
    (here / "results").mkdir()
    annotations(here / "results" / "t.parquet", FACES)
    video(here / "results" / "a.mp4")
    assert run("results/t.parquet").stdout.splitlines() == ["report: results/t.html"]


def test_the_list_of_failures_is_on_the_page(here: Path) -> None:
    Path("t.errors.csv").write_text('input,error\na.mp4,"damaged at 1:20"\n')
    run("t.parquet")
    assert "damaged at 1:20" in Path("t.html").read_text()


def test_failures_in_the_metadata_replace_the_list(here: Path, annotations: Callable[..., Path]) -> None:
    Path("t.errors.csv").write_text("input,error\nold.jpg,of another table\n")
    told = '[{"input": "a.mp4", "error": "damaged after 3 seconds"}]'
    for failures, count in ((told, 1), ("[]", 0)):
        annotations(here / "t.parquet", FACES, metadata={"errors": failures})
        assert run("t.parquet", "--overwrite").exit_code == 0
        assert Path("t.html").read_text().count("damaged after 3 seconds") == count
        assert "of another table" not in Path("t.html").read_text()
    annotations(here / "t.parquet", FACES, metadata={"errors": "[{}]"})
    result = run("t.parquet", "--overwrite")
    assert (result.exit_code, result.stderr) == (
        2,
        "mien: t.parquet: its list of failures cannot be read: 'input'\n",
    )


def test_pictures_without_any_face(here: Path, annotations: Callable[..., Path]) -> None:
    annotations(here / "p.parquet", [(0, 0.0, -1)], video=False, name="blank.jpg")
    assert (run("p.parquet").exit_code, Path("p.html").exists()) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("t.csv",), "t.csv: the name must end in .parquet (other formats lack the label space)"),
        (("missing.parquet",), "missing.parquet: no such file"),
        (("t.parquet", "--out", "t.pdf"), "t.pdf: the name must end in .html"),
        (("t.parquet", "--out", "no/t.html"), "no/t.html: cannot be written: No such file or directory"),
        (("t.parquet", "--out", "d.html"), "d.html: is a folder"),
        (("t.parquet", "--video", "v.mp4"), "v.mp4: no such file"),
        (("empty.parquet",), "empty.parquet: the table is empty"),
    ],
)
def test_bad_input_is_one_line(
    here: Path, annotations: Callable[..., Path], arguments: tuple[str, ...], reason: str
) -> None:
    (here / "d.html").mkdir()
    annotations(here / "empty.parquet", [])
    result = run(*arguments)
    assert (result.exit_code, result.stderr) == (2, f"mien: {reason}\n")


def test_a_damaged_list_of_failures(here: Path) -> None:
    """Unreadable letters are replaced; a list that cannot be read is an error, and no page is written."""
    errors = Path("t.errors.csv")
    errors.mkdir()
    assert run("t.parquet").exit_code == 0
    assert "could not be read" not in Path("t.html").read_text()
    errors.rmdir()
    errors.write_bytes(b"input,error\n\xff\xfe,cut short\n")
    assert run("t.parquet", "--overwrite").exit_code == 0
    page = Path("t.html").read_text()
    assert "1 input could not be read completely" in page
    assert "\ufffd\ufffd" in page
    assert "cut short" in page
    Path("t.html").unlink()
    errors.write_text(f"input,error\n{'x' * 200_000},cut\n")
    result = run("t.parquet")
    assert (result.exit_code, result.stderr) == (
        2,
        "mien: t.errors.csv: its list of failures cannot be read: field larger than field limit (131072)\n",
    )
    assert not Path("t.html").exists()


BLOCKED = """
import sys
from mien.cli.app import app
from typer.testing import CliRunner


class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "sklearn") or name.startswith("mien.learn"):
            raise ModuleNotFoundError(name)


sys.meta_path.insert(0, Refuse())
assert not any(name.startswith("mien.learn") for name in sys.modules)
print(CliRunner().invoke(app, ["report", "t.parquet"], catch_exceptions=False).output)
"""


def test_neither_torch_nor_learn_is_needed(here: Path) -> None:
    done = subprocess.run([sys.executable, "-c", BLOCKED], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "report: t.html" in done.stdout
