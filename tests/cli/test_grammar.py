"""The grammar of the command line, over all commands: names, order, help texts, examples, and one-line errors."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from mien.cli.app import app

SOURCE = Path(__file__).parents[2] / "src/mien"
ROOT: Any = typer.main.get_command(app)
METAVAR = re.compile(r"\[?[A-Z][A-Z_]*([=:][A-Z]+)?(\.\.\.)?\]?")

USAGE = {
    "annotate": "INPUT...",
    "report": "TABLE",
    "tasks": "",
    "train": "RECIPE",
    "study": "STUDY",
    "evaluate": "NETWORK... MANIFEST",
    "probe": "[NETWORK] MANIFEST",
    "curves": "NETWORK MANIFEST FILE",
    "map": "CHECKPOINT MANIFEST FILE",
    "calibrate": "CHECKPOINT MANIFEST...",
    "export": "CHECKPOINT FILE",
    "features": "NETWORK MANIFEST DIR",
    "data import": "NAME [ROOT] DIR",
    "data list": "",
    "data prepare": "DIR",
    "data render": "ICT_FACEKIT DIR",
    "data check": "MANIFEST",
    "data stats": "MANIFEST",
    "data merge": "MANIFEST... DIR",
    "data split": "MANIFEST",
    "data sample": "MANIFEST",
    "data clean": "MANIFEST",
    "relatedness show": "TABLE",
    "relatedness infer": "MANIFEST FILE",
    "relatedness diff": "FIRST SECOND",
    "relatedness ceiling": "MANIFEST",
    "relatedness consistency": "ANNOTATIONS",
}

SPLITS = {
    "--split": {"evaluate", "probe", "curves", "map"},
    "--train-split": {"probe", "relatedness infer", "relatedness ceiling"},
    "--valid-split": {"calibrate"},
    "--only-split": {"data split", "data sample"},
    "--by": {"evaluate"},
    "--group": {"evaluate", "curves", "map", "data split"},
    "--resume": {"annotate", "train"},
}

ALIKE = (
    "--split",
    "--train-split",
    "--valid-split",
    "--only-split",
    "--group",
    "--overwrite",
    "--quiet",
    "--seed",
    "--workers",
    "--set",
    "--side",
    "--help",
)


def walk(command: Any = ROOT, path: str = "") -> Iterator[tuple[str, Any]]:
    """All commands with their names; the application has the name ``""``."""
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from walk(child, f"{path} {name}".strip())


COMMANDS = dict(walk())
LEAVES = {path: command for path, command in COMMANDS.items() if not hasattr(command, "commands")}


def parameters(command: Any) -> list[Any]:
    return list(command.get_params(typer.Context(command, **command.context_settings)))


def options(command: Any) -> dict[str, Any]:
    return {name: each for each in command.params if each.param_type_name == "option" for name in each.opts}


def help_of(path: str, flag: str = "--help") -> str:
    result = CliRunner().invoke(app, [*path.split(), flag], prog_name="mien")
    assert result.exit_code == 0
    return result.stdout


def test_usage_lines_are_those_of_the_grammar() -> None:
    found = {path: help_of(path).splitlines()[0] for path in LEAVES}
    assert found == {path: f"Usage: mien {path} [OPTIONS] {words}".rstrip() for path, words in USAGE.items()}


def test_the_list_of_commands() -> None:
    """To accept a change: ``COLUMNS=100 mien --help > tests/cli/help.txt``."""
    environment = os.environ | {"COLUMNS": "100", "PYTHONPATH": str(SOURCE.parent)}
    command = [sys.executable, "-m", "mien", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert done.stdout == (Path(__file__).parent / "help.txt").read_text()


@pytest.mark.parametrize("path", COMMANDS)
def test_help_is_plain(path: str) -> None:
    text = help_of(path)
    assert text == help_of(path, "-h")
    assert not re.search(r"<|\[Path|LIST|list\[|\bNone\b", text)
    for each in parameters(COMMANDS[path]):
        assert each.help, each.name
        assert each.help.endswith((".", "...")), each.help
        flag = getattr(each, "is_flag", False)
        assert flag or METAVAR.fullmatch(each.metavar), each.name
        assert flag or each.metavar in text


@pytest.mark.parametrize("path", COMMANDS)
def test_the_example_is_the_last_line_and_a_correct_call(path: str) -> None:
    *_, title, example = help_of(path).splitlines()
    assert title == "Example:"
    program, *words = shlex.split(example)
    assert program == "mien"
    assert " ".join(words).startswith(path)
    context, command = typer.Context(ROOT), ROOT
    while hasattr(command, "commands"):
        command = command.commands[words[0]]
        context = command.make_context(words.pop(0), list(words), parent=context)
    assert command in LEAVES.values()


@pytest.mark.parametrize("path", LEAVES)
def test_the_summary_is_a_short_sentence(path: str) -> None:
    summary = LEAVES[path].help.split("\n\n")[0]
    assert re.fullmatch(r"[A-Z][^\n]{10,80}\.", summary), summary


@pytest.mark.parametrize(("option", "paths"), SPLITS.items())
def test_an_option_means_one_thing(option: str, paths: set[str]) -> None:
    assert {path for path, command in LEAVES.items() if option in options(command)} == paths


@pytest.mark.parametrize("option", ALIKE)
def test_shared_options_have_one_help_text(option: str) -> None:
    found = [each for command in LEAVES.values() for each in parameters(command) if option in each.opts]
    assert found
    assert len({(tuple(each.opts), each.metavar, each.help) for each in found}) == 1


def test_every_output_is_guarded() -> None:
    """A study and `data prepare` continue what they find, so nothing is replaced; other steps can be reverted."""
    unguarded = {"tasks", "study", "data list", "data prepare", "data check", "data split", "data sample", "data clean"}
    assert {path for path, command in LEAVES.items() if "--overwrite" not in options(command)} == unguarded
    for path, command in LEAVES.items():
        if out := options(command).get("--out"):
            assert out.help.startswith("Write "), path


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("train", "missing argument: expected RECIPE; see 'mien train --help'"),
        ("evaluate network.onnx", "missing argument: expected NETWORK... MANIFEST; see 'mien evaluate --help'"),
        ("data merge one", "missing argument: expected MANIFEST... DIR; see 'mien data merge --help'"),
        ("data import digits", "missing argument: expected NAME [ROOT] DIR; see 'mien data import --help'"),
        ("relatedness show", "missing argument: expected TABLE; see 'mien relatedness show --help'"),
        ("relatedness show a b", "got unexpected extra argument(s) (b); see 'mien relatedness show --help'"),
        ("probe set", "missing option '--task'; see 'mien probe --help'"),
        ("data sample set --every 1", "invalid value for '--every': Input should be greater than or equal to 2"),
        ("data stats set --nonsense", "no such option: --nonsense; see 'mien data stats --help'"),
        ("anotate photos", "no such command 'anotate'. Did you mean 'annotate'?; see 'mien --help'"),
        ("data chek", "no such command 'chek'. Did you mean 'check'?; see 'mien data --help'"),
    ],
)
def test_a_wrong_call_is_one_line(refused: Callable[..., str], words: str, reason: str) -> None:
    assert refused(*words.split()).startswith(reason)


@pytest.mark.parametrize("path", ["", "data", "relatedness"])
def test_without_a_command_the_help_is_printed(mien: Callable[..., Result], path: str) -> None:
    result = mien(*path.split())
    assert result.exit_code == 2
    assert result.stdout.startswith(f"Usage: mien {path}".rstrip())
    assert "Example:" in result.stdout


def test_nothing_else_imports_the_command_line() -> None:
    users = [
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        if re.search(r"^\s*(from|import) mien\.cli\b", path.read_text(), re.MULTILINE)
        and path.relative_to(SOURCE).parts[0] not in ("cli", "__main__.py")
    ]
    assert users == []
