"""docs/networks.md agrees with the code: keys, defaults, parameters, features, weights."""

import inspect
import re
from pathlib import Path

import pytest
import torch
import yaml

import mien.learn.models
from mien.learn.models import ResidualMLP
from mien.learn.models.network import Network
from mien.learn.models.timm_network import WHEELS

PAGE = (Path(__file__).parents[3] / "docs" / "networks.md").read_text()
GIVEN = {"tasks", "inputs"}


def rows(heading: str) -> list[list[str]]:
    """The table rows below a heading, without the header row."""
    section = f"\n{PAGE}".split(f"\n{heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def keys(heading: str) -> dict[str, object]:
    return {row[0].strip("`"): yaml.safe_load(row[2].strip("`")) for row in rows(heading)}


@pytest.mark.parametrize("name", mien.learn.models.__all__)
def test_keys_and_defaults(name: str) -> None:
    parameters = inspect.signature(getattr(mien.learn.models, name)).parameters
    wanted = {key: entry.default for key, entry in parameters.items() if key not in GIVEN}
    wanted = {key: list(value) if isinstance(value, tuple) else value for key, value in wanted.items()}
    own = keys(f"## {name}")
    common = keys("## Pictures") if "side" in wanted else {}
    weights = {"weights": None} if "weights" in wanted else {}
    assert common | weights | own == wanted


def test_sizes() -> None:
    table = {row[0].split("`")[1]: row for row in rows("# Networks")}
    assert set(table) == set(mien.learn.models.__all__)
    for name in set(table) - {"TimmNetwork", "ResidualMLP"}:
        with torch.device("meta"):
            network: Network = getattr(mien.learn.models, name)()
        parameters = sum(parameter.numel() for parameter in network.trunk.parameters())
        assert [f"{parameters:,}", str(network.trunk.width)] == table[name][1:3]
        assert ("wheel" in table[name][5]) == (network.wheel is not None)
    sizes = [sum(p.numel() for p in ResidualMLP(inputs=(width,)).trunk.parameters()) for width in (1, 10)]
    assert sizes == [265_984 + 256, 265_984 + 2560]


def test_wheels() -> None:
    for model, wheel in WHEELS.items():
        assert re.search(rf"`{model}` \| `{wheel}`", PAGE.replace("-offline-mobilenet-", "_offline_mobilenet_"))
