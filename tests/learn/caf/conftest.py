"""Feature vectors with valence and arousal, and the recipe of a small network that learns them against a critic."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.tasks import AFFECT, EXPRESSION

WIDTH = 6


@pytest.fixture(scope="session")
def vectors(tmp_path_factory: pytest.TempPathFactory, make_set: Callable[..., Path]) -> Path:
    """60 + 20 vectors; valence and arousal are two of their directions; in every sixth row they are not labelled."""
    draw = np.random.default_rng(3)
    points = draw.normal(size=(80, WIDTH)).astype(np.float32)
    rows: list[dict[str, Any]] = []
    for index, point in enumerate(points):
        valence, arousal = np.tanh(0.7 * point[:2]).tolist()
        row = {
            "split": "train" if index < 60 else "valid",
            "subject": str(index % 4),
            "valence": valence,
            "arousal": arousal,
            "expression": "happiness" if valence > 0 else "sadness",
        }
        if index < 60 and index % 6 == 5:
            row |= {"valence": None, "arousal": None}
        elif index < 60 and index % 7 == 6:
            row |= {"arousal": None}
        rows.append(row)
    return make_set(tmp_path_factory.mktemp("vectors"), rows, points, (EXPRESSION, AFFECT))


@pytest.fixture
def caf_recipe(vectors: Path) -> Callable[..., dict[str, Any]]:
    """The data of a recipe; keywords of ``adversarial`` with ``against``, others replace its keys."""

    def make(against: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
        adversarial = {"critic": {"ContrastiveCritic": {"dropout": 0.0}}, "optimizer": {"kind": "adam", "rate": 0.01}}
        return {
            "name": "caf",
            "tasks": ["affect"],
            "network": {"ResidualMLP": {"width": 8, "depth": 1}},
            "data": [{"manifest": str(vectors)}],
            "validation": {"manifest": str(vectors), "split": "valid"},
            "batch_size": 20,
            "losses": {"affect": "RmseCorrelation"},
            "adversarial": adversarial | (against or {}),
            "optimizer": {"kind": "adam", "rate": 0.01, "weight_decay": 0, "betas": [0.5, 0.9]},
            "schedule": {"warmup": 0, "decay": "staircase", "every": 4, "factor": 0.5},
            "epochs": 2,
        } | changes

    return make
