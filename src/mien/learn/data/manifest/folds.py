"""Folds: repeated cross-validation without a file for each division."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mien.learn.data.manifest.codes import own_groups
from mien.learn.data.manifest.manifest import Manifest, ManifestError


def fold(manifest: Manifest, *, seed: int, of: int, index: int, group: str | None = None) -> tuple[Manifest, Manifest]:
    """The rows outside fold ``index`` and those in it.

    The rows are shuffled by ``seed`` and dealt out to ``of`` folds, which differ by at most one row (or group).

    Args:
        manifest: what to divide.
        seed: of the division; another seed is another repetition.
        of: number of folds.
        index: which fold, from 0.
        group: a column, such as ``subject``, whose equal values stay together; a row without a value is its own group.

    Raises:
        ManifestError: if there is no such column, or a part would be empty.
    """
    if group is None:
        members = np.arange(len(manifest))
    elif group in manifest.table.column_names:
        members = own_groups(manifest.table[group])
    else:
        raise ManifestError(f"{manifest.path}: has no column {group} to make folds by")
    count = int(members.max()) + 1
    if count < of:
        raise ManifestError(f"{manifest.path}: {count} {group or 'row'}s cannot make {of} folds")
    turn = np.random.default_rng([seed, of]).permutation(count)
    inside = pa.array((turn % of == index)[members])
    return (
        replace(manifest, table=manifest.table.filter(pc.invert(inside))),
        replace(manifest, table=manifest.table.filter(inside)),
    )


def refuse_shared(training: Sequence[Manifest], judged: Sequence[Manifest], group: str) -> None:
    """No group of the judged rows may be among the training rows of any manifest, as a person in two data sets would.

    Groups are the same if data set (the column ``dataset``, or the manifest's source) and value are. Each manifest is
    divided for itself, so that one person in two manifests may come to stand on both sides.

    Raises:
        ManifestError: naming the first such group.
    """
    known = {key: manifest.path for manifest in judged for key in _keys(manifest, group)}
    for manifest in training:
        for origin, name in sorted(_keys(manifest, group) & set(known)):
            raise ManifestError(
                f"{manifest.path}: {group} {name!r} of {origin} trains here and is judged in {known[origin, name]}; "
                "merge the manifests (`mien data merge`) and make folds of the result"
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
