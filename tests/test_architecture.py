"""The rooms of the house: imports point one way, and no module is part of an import cycle."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def lint(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_imports_keep_the_contracts_of_pyproject() -> None:
    done = lint()
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


def test_a_broken_contract_is_reported(tmp_path: Path) -> None:
    config = tmp_path / "contracts.toml"
    config.write_text(
        '[tool.importlinter]\nroot_package = "mien"\n[[tool.importlinter.contracts]]\n'
        'name = "upside down"\ntype = "layers"\nlayers = ["mien.tasks", "mien.annotate"]\n'
    )
    done = lint("--config", str(config))
    assert done.returncode == 1
    assert "mien.annotate is not allowed to import mien.tasks" in done.stdout


def test_rooms_are_small() -> None:
    """About fifteen files side by side, unless they are alike: one reader, loss, network or command per file."""
    alike = {"sources", "losses", "models", "render", "cli"}
    counts = {
        folder: len([path for path in folder.glob("*.py") if path.name != "__init__.py"])
        for folder in [ROOT / "src" / "mien", *(p for p in (ROOT / "src" / "mien").rglob("*") if p.is_dir())]
    }
    assert {str(folder): count for folder, count in counts.items() if count > 16 and folder.name not in alike} == {}


def test_tests_mirror_the_rooms() -> None:
    rooms = {path.parent.relative_to(ROOT / "src" / "mien") for path in (ROOT / "src" / "mien").rglob("*.py")}
    tests = {path.parent.relative_to(ROOT / "tests") for path in (ROOT / "tests").rglob("test_*.py")}
    assert tests <= rooms, sorted(map(str, tests - rooms))


def test_files_are_short() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in (ROOT / "src").rglob("*.py")}
    assert {str(path): length for path, length in lengths.items() if length > 300} == {}
