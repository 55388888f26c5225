"""The documents say what the code says: names, ranges and defaults agree, and every code block runs."""

import contextlib
import inspect
import io
import re
import shutil
from pathlib import Path
from typing import Any

import av
import pytest
import yaml
from PIL import Image

from fixtures.pages import PAGES, ROOT, RUN, blocks, cells, named
from mien.annotate.schema import table_schema
from mien.tasks import FACE


def test_columns_are_those_of_the_table() -> None:
    schema = table_schema(FACE, "any")
    rows = cells("README.md", "### The columns")
    assert [name for row in rows for name in named(row[0])] == schema.names
    for row in rows:
        spans = {schema.field(name).metadata[b"range"].decode() for name in named(row[0])}
        if row[1] not in ("", "a label"):
            assert spans == {row[1]}, row[0]


def test_columns_of_videos_are_those_of_the_table() -> None:
    more = [name for name in table_schema(FACE, "any", video=True).names if name not in table_schema(FACE, "any").names]
    assert [name for row in cells("docs/video.md", "## The table") for name in named(row[0])] == more


def test_the_index_and_the_qualities_are_those_of_the_code() -> None:
    from mien.faces.follow import QUALITIES
    from mien.video.index import Entry

    rows = cells("docs/video.md", "## Several videos")
    assert [name for row in rows for name in named(row[0])] == list(Entry.__dataclass_fields__)
    assert {named(row[0])[0] for row in cells("docs/video.md", "## Quality")} == set(QUALITIES)


def parameters(owner: Any) -> dict[str, Any]:
    """Every key that a recipe may write for a class, with its default; ``...`` where it must be given."""
    if fields := getattr(owner, "model_fields", None):
        return {name: ... if field.is_required() else field.default for name, field in fields.items()}
    found = {name: entry.default for name, entry in inspect.signature(owner).parameters.items()}
    return {name: ... if default is inspect.Parameter.empty else default for name, default in found.items()}


SECTIONS = (
    "Rows",
    "DataSet",
    "WarmStart",
    "Fold",
    "Mixture",
    "Augmentation",
    "Optimizer",
    "Schedule",
    "Adversarial",
    "Probe",
)


@pytest.mark.parametrize("name", ["Recipe", *SECTIONS, "FaceBehaviorNet"])
def test_recipe_keys_and_defaults(name: str) -> None:
    from mien.learn.models import FaceBehaviorNet
    from mien.learn.recipe import recipe_file, settings

    given = parameters(
        FaceBehaviorNet if name == "FaceBehaviorNet" else getattr(recipe_file, name, None) or getattr(settings, name)
    )
    rows = {named(row[0])[0]: row for row in cells("docs/recipes.md", f"## {name}")}
    assert set(rows) == set(given) - ({"tasks"} if name == "FaceBehaviorNet" else set())
    for key, row in rows.items():
        if row[2] == "needed":
            assert given[key] is ..., key
        elif row[2] == "its defaults":
            assert given[key] == type(given[key])(), key
        else:
            default = yaml.safe_load(named(row[2])[0])
            if isinstance(default, dict) and default:
                default = type(given[key])(**default)
            assert given[key] == (tuple(default) if isinstance(default, list) else default), key


def test_every_loss_has_a_section() -> None:
    from mien.learn import losses

    text = (ROOT / "docs" / "losses.md").read_text()
    explained = {*losses.__all__} - {"CouplingLoss", "LossTerm", "supervised"}
    assert explained == set(re.findall(r"^## ([\w]+)$", text, re.MULTILINE))
    terms = {term for name in explained for term in getattr(getattr(losses, name), "terms", ())}
    for page in ("docs/losses.md", "docs/recipes.md"):
        assert all(f"`{term}`" in (ROOT / page).read_text() for term in terms), page


@pytest.mark.parametrize(("package", "others"), [("balancing", {"In a plain PyTorch loop"}), ("sharing", {"Teachers"})])
def test_every_balancer_and_way_to_share_has_a_section(package: str, others: set[str]) -> None:
    import importlib

    names = set(importlib.import_module(f"mien.learn.{package}").__all__)
    text = (ROOT / "docs" / f"{package}.md").read_text()
    assert set(re.findall(r"^## (.+)$", text, re.MULTILINE)) == names | others


@pytest.mark.parametrize("package", ["losses", "sharing"])
def test_options_of_classes_and_their_defaults(package: str) -> None:
    import importlib

    module = importlib.import_module(f"mien.learn.{package}")
    for name in module.__all__:
        owner = getattr(module, name)
        if not inspect.isclass(owner) or name in ("CouplingLoss", "LossTerm"):
            continue
        given = {key: default for key, default in parameters(owner).items() if key not in ("network", "tasks")}
        rows = {key: row for row in cells(f"docs/{package}.md", f"## {name}") for key in named(row[0])}
        assert set(rows) == set(given), name
        for key, default in given.items():
            values = [yaml.safe_load(value) for value in named(" ".join(rows[key][1:]))]
            assert default is None or default in values, f"{name}: {key}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_recipes_load(page: Path) -> None:
    from mien.learn.recipe import parse

    for text in blocks(page, "yaml"):
        parse(yaml.safe_load(text), page.name)


@pytest.mark.parametrize("path", sorted((ROOT / "recipes").glob("*.yaml")), ids=lambda path: path.name)
def test_shipped_recipes_load(path: Path) -> None:
    from mien.learn.recipe import load

    assert load(path).name == path.stem


@pytest.fixture(scope="module")
def interview(astronaut: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten frames of one face."""
    path = tmp_path_factory.mktemp("video") / "interview.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 256, 256, "yuv420p"
        frame = av.VideoFrame.from_image(Image.open(astronaut).convert("RGB").resize((256, 256)))
        for _ in range(10):
            container.mux(stream.encode(frame.reformat(format="yuv420p")))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("page", RUN, ids=lambda page: page.name)
def test_python_runs(
    page: Path, tmp_path: Path, astronaut: Path, interview: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The blocks of a page run one after the other, as a reader would, beside a folder ``photos`` and a video."""
    shutil.copy(interview, tmp_path / "interview.mp4")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "portrait.png").write_bytes(astronaut.read_bytes())
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {"__name__": "page"}
    with contextlib.redirect_stdout(io.StringIO()):
        for text in blocks(page, "python"):
            exec(compile(text, str(page), "exec"), namespace)


def test_every_reader_and_its_options_are_explained() -> None:
    import importlib
    import pkgutil

    from mien.learn.data import sources

    text = "".join((ROOT / "docs" / page).read_text() for page in ("databases.md", "data.md"))
    names = {name for part in named(text) for name in re.split(r"\W+", part)}
    for module in pkgutil.iter_modules(sources.__path__):
        if module.name == "shared":
            continue
        read = importlib.import_module(f"{sources.__name__}.{module.name}").read
        options = {name for name, each in inspect.signature(read).parameters.items() if each.kind is each.KEYWORD_ONLY}
        assert {module.name, *options} <= names, module.name


def test_files_of_the_commands_are_named() -> None:
    from mien.learn.data.importing import errors
    from mien.learn.data.manifest import MANIFEST
    from mien.learn.data.pack import prepare
    from mien.learn.export.calibration import CALIBRATION
    from mien.table.writer import ERRORS

    named_on = {
        "docs/data.md": {MANIFEST, errors.ERRORS},
        "docs/preparing.md": {MANIFEST, prepare.ERRORS},
        "docs/evaluation.md": {CALIBRATION, "report.html", "metrics.json"},
        "README.md": {f"faces{ERRORS}"},
    }
    for page, files in named_on.items():
        assert files <= set(named((ROOT / page).read_text())), page
