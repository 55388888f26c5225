"""Divide rows into splits by groups, such as subjects, with classes spread as evenly as the groups allow."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mien.learn.data.manifest.codes import column_codes, own_groups
from mien.learn.data.manifest.columns import ManifestError


def divide(
    table: pa.Table,
    *,
    by: str,
    valid: float,
    test: float = 0.0,
    only: str | None = None,
    task: str | None = None,
    seed: int = 0,
) -> pa.Array:
    """The split of each row: train, valid or test.

    The groups, shuffled by the seed and then sorted by size, largest first, are assigned one by one to the split that
    is furthest short of the group's classes. Shares are thus exact to within one group, and classes are spread as
    evenly as the groups allow. A row without a value of ``by`` is a group of its own. Excluded rows are divided too,
    since they may be included again.

    Args:
        table: with ``split``.
        by: a column; rows with equal values stay together.
        valid: share of the rows.
        test: share of the rows; train gets the rest.
        only: divide the rows of this split only; the others keep their split.
        task: a column of classes to spread evenly; rows without a label count as one class.
        seed: seed of the shuffle.

    Raises:
        ManifestError: if there is no such column or split, or a split would be empty.
    """
    shares = _shares(valid, test)
    if by not in table.column_names:
        raise ManifestError(f"has no column {by} to divide by; --group path divides by picture")
    old = table["split"].combine_chunks()
    chosen = np.ones(len(old), bool) if only is None else np.asarray(pc.fill_null(pc.equal(old, only), False))
    if not chosen.any():
        raise ManifestError(f"has no rows of split {only!r}")
    part = table.filter(pa.array(chosen))
    groups = own_groups(part[by])
    count = int(groups.max()) + 1
    if count < len(shares):
        raise ManifestError(f"{count} different values of {by} cannot make {len(shares)} splits")
    classes = np.zeros(len(groups), np.int64)
    if task is not None and task in part.column_names:
        classes = np.unique(column_codes(part[task]), return_inverse=True)[1].astype(np.int64)
    turns = _assign(groups, classes, np.array(list(shares.values())), seed)
    new = np.asarray(old.to_pylist(), dtype=object)
    new[chosen] = np.array(list(shares), dtype=object)[turns[groups]]
    return pa.array(new, pa.string())


def _shares(valid: float, test: float) -> dict[str, float]:
    """The share of each split that receives rows, including train."""
    shares = {"train": 1 - valid - test, "valid": valid, "test": test}
    shares = {name: share for name, share in shares.items() if share > 0}
    if "train" not in shares or len(shares) < 2:
        raise ManifestError(f"shares of {valid:g} and {test:g} leave nothing to divide")
    return shares


def _assign(
    groups: NDArray[np.int64], classes: NDArray[np.int64], shares: NDArray[np.float64], seed: int
) -> NDArray[np.int_]:
    """The number of each group's split."""
    groups_count, classes_count = int(groups.max()) + 1, int(classes.max()) + 1
    pairs, sizes = np.unique(groups * classes_count + classes, return_counts=True)
    owner, kind = np.divmod(pairs, classes_count)
    starts = np.searchsorted(owner, np.arange(groups_count + 1))
    wanted = shares[:, None] * np.bincount(classes, minlength=classes_count)
    lacking = wanted.copy()
    shuffled = np.random.default_rng(seed).permutation(groups_count)
    order = shuffled[np.argsort(-np.bincount(groups)[shuffled], kind="stable")]
    turns = np.empty(groups_count, int)
    for group in order:
        held = slice(starts[group], starts[group + 1])
        own, many = kind[held], sizes[held]
        part = (lacking[:, own] / wanted[:, own]) @ many
        turns[group] = int(np.argmax(part))
        lacking[turns[group], own] -= many
    return turns
