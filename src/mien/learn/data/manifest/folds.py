"""Divide a manifest into folds for repeated cross-validation, without writing a file per division."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mien.learn.data.manifest.codes import own_groups
from mien.learn.data.manifest.columns import ManifestError
from mien.learn.data.manifest.read import Manifest


def fold(manifest: Manifest, *, seed: int, of: int, index: int, group: str | None = None) -> tuple[Manifest, Manifest]:
    """The rows outside fold ``index`` and those in it.

    The rows are shuffled by ``seed`` and dealt to ``of`` folds, whose sizes differ by at most one row (or group).

    Args:
        manifest: the manifest to divide.
        seed: seed of the division; each seed gives another repetition.
        of: the number of folds.
        index: which fold, from 0.
        group: a column, such as ``subject``, whose equal values stay together; a row without a value is a group of its
            own.

    Raises:
        ManifestError: if there is no such column, or a part would be empty.
    """
    if group is None:
        members = np.arange(len(manifest))
    elif group in manifest.table.column_names:
        members = own_groups(manifest.table[group])
    else:
        raise ManifestError(f"{manifest.path}: has no column {group} to group folds by")
    count = int(members.max()) + 1
    if count < of:
        raise ManifestError(f"{manifest.path}: {count} {group or 'row'}s cannot make {of} folds")
    turn = np.random.default_rng([seed, of]).permutation(count)
    inside = pa.array((turn % of == index)[members])
    return (
        replace(manifest, table=manifest.table.filter(pc.invert(inside))),
        replace(manifest, table=manifest.table.filter(inside)),
    )


def refuse_shared(training: Sequence[Manifest], evaluated: Sequence[Manifest], group: str) -> None:
    """Refuse a group, such as a person, that is both evaluated and used for training in another manifest.

    Groups are the same if the data set (the column ``dataset``, or the manifest's source) and the value are. Each
    manifest is divided separately, so a person in two manifests may end up on both sides.

    Raises:
        ManifestError: naming the first such group.
    """
    known = {key: manifest.path for manifest in evaluated for key in _keys(manifest, group)}
    for manifest in training:
        for origin, name in sorted(_keys(manifest, group) & set(known)):
            raise ManifestError(
                f"{manifest.path}: {group} {name!r} of {origin} is used for training here and evaluated in "
                f"{known[origin, name]}; merge the manifests (`mien data merge`) and divide the result into folds"
            )


def _keys(manifest: Manifest, group: str) -> set[tuple[str, str]]:
    names = manifest.table.column_names
    if group not in names:
        return set()
    source = str(manifest.metadata.get("source", manifest.path))
    origin = manifest.table["dataset"] if "dataset" in names else pa.nulls(len(manifest), pa.string())
    pairs = pa.table({"origin": pc.fill_null(origin.cast(pa.string()), source), "name": manifest.table[group]})
    found = pairs.filter(pc.is_valid(pairs["name"])).group_by(["origin", "name"]).aggregate([]).to_pylist()
    return {(each["origin"], str(each["name"])) for each in found}
