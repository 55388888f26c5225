"""A manifest that the commands check, count, divide and clean."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def folder(tmp_path: Path, make_set: Callable[..., Path]) -> Path:
    """Ten people with two frames each; the valence of the first one contradicts the expression."""
    rows = [
        {"expression": "happiness" if n % 2 else "sadness", "valence": -0.5 if n < 2 else 0.5 if n % 2 else -0.5}
        | {"subject": f"p{n // 2}", "video": f"v{n // 2}", "frame": n % 2, "AU12": n % 2}
        for n in range(20)
    ]
    crops = np.arange(20, dtype=np.uint8)[:, None, None, None] + np.zeros((20, 2, 2, 1), np.uint8)
    return make_set(tmp_path / "set", rows, crops)
