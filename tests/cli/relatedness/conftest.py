"""Manifests and checkpoints that the commands read."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

from mien.learn.data.manifest import MANIFEST, PACK, write_manifest
from mien.tasks import Kind, Task, one_hot_labels

SHOE = Task("shoe", Kind.CLASSES, ("boot", "sandal", "pump"), ("",) * 3)
PARTS = Task("parts", Kind.ATTRIBUTES, ("laces", *one_hot_labels("heel", ("flat", "high"))), ("",) * 3)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A manifest of shoes: some labels are missing, one part is never annotated."""
    monkeypatch.chdir(tmp_path)
    kinds = ["boot", "boot", "sandal", None, "sandal", "boot"]
    laces = [1, 1, 0, 1, None, 0]
    rows = [
        {"path": f"{at}.png", "split": "train", "crop": at, "shoe": kind, "laces": lace, "heel=flat": at % 2}
        for at, (kind, lace) in enumerate(zip(kinds, laces, strict=True))
    ]
    rows.append({**rows[0], "split": "test", "shoe": "pump"})
    write_manifest(tmp_path / MANIFEST, rows, (SHOE, PARTS), {"source": "the shop"})
    np.save(tmp_path / PACK, np.zeros((7, 112, 112, 1), np.uint8))
    return tmp_path


@pytest.fixture
def card() -> Callable[[Path, object], Path]:
    """``card(folder, tables)``: a checkpoint folder of which only the card is there."""

    def make(folder: Path, tables: object) -> Path:
        folder.mkdir()
        (folder / "checkpoint.json").write_text(json.dumps({"format": 1, "relatedness": tables}))
        return folder

    return make


@pytest.fixture
def run(mien: Callable[..., Result]) -> Callable[..., Result]:
    """``run("show", table)``: a command of `mien relatedness`."""
    return lambda *words: mien("relatedness", *words)
