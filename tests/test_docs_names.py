"""The names in the documents exist: links, commands, options, modules, paths, decisions."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.pages import DECISIONS, PAGES, PRESENT, ROOT, blocks, cells, named


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
