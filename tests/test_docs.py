"""The documents say what the code says: names, ranges, defaults and links agree, and every code block runs."""

import contextlib
import inspect
import io
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import pytest
import yaml
from PIL import Image

from mien.annotate.schema import table_schema
from mien.tasks import FACE

ROOT = Path(__file__).parents[1]
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
PAGES = [*sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]), *DECISIONS, ROOT / "src/mien/weights/CARD.md"]
PRESENT = [page for page in PAGES if page.name != "CHANGELOG.md"]
"""The pages that describe the code as it is; the changelog also names what is gone."""
RUN = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"(?P<mark><!-- not run: .+? -->\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path, kind: str) -> Iterator[str]:
    """The code blocks of a language that are not marked ``<!-- not run: reason -->``, at their own line numbers."""
    text = page.read_text()
    for found in BLOCK.finditer(text):
        if found["kind"] == kind and not found["mark"]:
            yield "\n" * text[: found.start("text")].count("\n") + found["text"]


def cells(page: str, heading: str) -> list[list[str]]:
    """The rows of the first table under a heading, without its head."""
    section = (ROOT / page).read_text().split(f"\n{heading}\n", 1)[1]
    table = re.search(r"(?:^\|.*\n)+", section, re.MULTILINE)
    assert table
    return [[cell.strip() for cell in line[1:-1].split("|")] for line in table[0].splitlines()[2:]]


def named(text: str) -> list[str]:
    """What a text names in backticks; code blocks are not part of it."""
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return [" ".join(name.split()) for name in re.findall(r"`([^`]+)`", prose)]


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


def anchors(page: Path) -> list[str]:
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return [re.sub(r"[^\w-]", "", title.lower().replace(" ", "-")) for title in titles]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        path, _, anchor = target.partition("#")
        if path.startswith("http"):
            continue
        there = page.parent / path if path else page
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), target


def commands() -> dict[str, set[str]]:
    """The options of each command, by its words: ``mien data split`` -> ``--valid`` and so on."""
    import typer

    from mien.cli.app import app

    def below(command: Any, words: str) -> Iterator[tuple[str, set[str]]]:
        yield words, {"--help", *(name for each in command.params for name in (*each.opts, *each.secondary_opts))}
        for name, each in getattr(command, "commands", {}).items():
            yield from below(each, f"{words} {name}")

    return dict(below(typer.main.get_command(app), "mien"))


def test_commands_are_correct_calls() -> None:
    """Every ``mien ...`` line of a shell block parses: command, arguments and options."""
    import shlex

    import typer

    from mien.cli.app import app

    root: Any = typer.main.get_command(app)
    for page in PAGES:
        for text in blocks(page, "sh"):
            for line in re.findall(r"^mien (.+)$", text, re.MULTILINE):
                words, command, context = shlex.split(line, comments=True), root, typer.Context(root)
                while hasattr(command, "commands"):
                    command = command.commands[words.pop(0)]
                    context = command.make_context(command.name, list(words), parent=context)


def wrong_options(name: str, known: dict[str, set[str]]) -> set[str]:
    """The options in ``mien data split --valid`` that the command lacks, or in ``--valid`` that every command lacks."""
    options = {word for word in name.split() if word.startswith("--")}
    if name.startswith("mien "):
        command = max((each for each in known if f"{name} ".startswith(f"{each} ")), key=len)
        return options - known[command] if command != "mien" else {name}
    return options - set().union(*known.values())


@pytest.mark.parametrize("page", PRESENT, ids=lambda page: page.name)
def test_named_commands_and_options_exist(page: Path) -> None:
    known = commands()
    for name in named(page.read_text()):
        assert name == "mien --help" or not wrong_options(name, known), name


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in PAGES:
        assert set(re.findall(r"(?:^|`)make (\w+)", page.read_text(), re.MULTILINE)) <= targets, page.name


@pytest.mark.parametrize("page", PRESENT, ids=lambda page: page.name)
def test_dotted_names_resolve(page: Path) -> None:
    """``mien.learn.batch.Batch`` and the like, in text and code."""
    import pkgutil

    for name in re.findall(r"\bmien(?:\.[a-z_]\w*)+(?:\.[A-Z]\w*)?", page.read_text()):
        assert pkgutil.resolve_name(name) is not None, name


@pytest.mark.parametrize("page", PRESENT, ids=lambda page: page.name)
def test_paths_in_the_repository_exist(page: Path) -> None:
    """Paths may be relative to the repository, the package or its room ``learn``; ``<name>`` stands for any name."""
    bases = [ROOT, ROOT / "src/mien", ROOT / "src/mien/learn"]
    rooms = {path.name for base in bases for path in base.iterdir() if path.is_dir()}
    about_code = page.parent.name == "decisions" or page.name in ("ARCHITECTURE.md", "CONTRIBUTING.md")
    tops = rooms if about_code else {path.name for path in ROOT.iterdir() if path.is_dir()} - {"build", "runs"}
    for name in named(page.read_text()):
        if re.fullmatch(r"[\w.<>/-]+", name) and "/" in name and name.split("/")[0] in tops:
            pattern = re.sub("<[^>]+>", "*", name.rstrip("/"))
            found = [path for base in bases for end in ("", ".py") for path in base.glob(pattern + end)]
            assert found, name


def test_paths_in_the_notices_exist() -> None:
    paths = re.findall(r"\b(?:src|docs|tools|examples)/[\w/.]*\w", (ROOT / "NOTICES").read_text())
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_names_in_the_architecture_and_the_decisions_are_defined() -> None:
    """``Run``, ``PROTOCOLS``, ``build_run()`` and the like are defined somewhere in the package or its tests."""
    files = [*(ROOT / "src").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]
    pattern = re.compile(r"^ *(?:class|def) (\w+)|^([A-Z]\w+)\b.*=", re.MULTILINE)
    defined = {name for path in files for found in pattern.findall(path.read_text()) for name in found}
    for page in (ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md", *DECISIONS):
        for name in named(page.read_text()):
            if re.fullmatch(r"[A-Z]\w*[a-z]\w*(\(.*\))?|[A-Z_]{3,}", name):
                assert name.partition("(")[0] in defined, f"{page.name}: {name}"


def test_every_decision_is_listed_under_its_title() -> None:
    listed = re.findall(r"^- \[(.+)\]\((.+)\)$", (DECISIONS[-1].parent / "README.md").read_text(), re.MULTILINE)
    pages = [page for page in DECISIONS if page.name != "README.md"]
    assert [(page.read_text().splitlines()[0].removeprefix("# "), page.name) for page in pages] == listed


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


def test_the_changelog_names_what_exists_now() -> None:
    import pkgutil

    known = commands()
    for row in cells("CHANGELOG.md", "#### What to change in commands"):
        (before,), (now,) = named(row[0]), named(row[1])
        assert not wrong_options(now, known), now
        assert wrong_options(before, known) or "--split" in before, before
    for row in cells("CHANGELOG.md", "#### What to change in Python"):
        for name in named(row[1]):
            assert pkgutil.resolve_name(name) is not None, name
