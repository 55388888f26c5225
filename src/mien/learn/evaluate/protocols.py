"""The official metrics of each database: papers/003, section 4.2, papers/002 ("Performance Measures"), papers/001.

Names are those in a manifest's column ``dataset``, which the readers write. ``*`` stands for every label.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from mien.tasks import Kind, Task

AFFECT = ("affect.ccc.*", "affect.ccc")
UNITS = ("action_units.f1", "action_units.f1.*")

PROTOCOLS: Mapping[str, tuple[str, ...]] = {
    "aff_wild": AFFECT,
    "aff_wild2": (*AFFECT, "expression.f1", *UNITS),
    "afew_va": AFFECT,
    "affectnet": (*AFFECT, "expression.accuracy"),
    "raf_db": ("expression.mean_recall",),
    "raf_db_compound": ("compound.mean_recall",),
    "disfa": UNITS,
    "gft": UNITS,
    "bp4d": UNITS,
    "bp4d_plus": UNITS,
    "emotionet": ("action_units.afa", "expression.f1_uar", "compound.f1_uar"),
    "abaw4_lsd": ("expression.f1",),
    "celeba": ("attributes.total_accuracy", "attributes.f1", "identity.accuracy", "identity.f1"),
    "cub_200_2011": ("species.accuracy", "species.f1", "attributes.total_accuracy", "attributes.f1"),
    "shoes": ("type.accuracy", "type.f1", "attributes.total_accuracy", "attributes.f1"),
    "clothing_attributes": ("category.accuracy", "category.f1", "attributes.total_accuracy", "attributes.f1"),
    "caf": ("affect.rmse.*", "affect.sagr.*", "affect.pcc.*", "affect.ccc.*"),
}
"""Database -> its metrics. ``caf`` is not a database: it names the metrics of papers/001."""

HEADLINE: Mapping[Kind, tuple[str, ...]] = {
    Kind.CLASSES: ("accuracy", "mean_recall", "f1"),
    Kind.ATTRIBUTES: ("f1", "accuracy", "afa"),
    Kind.CONTINUOUS: ("ccc.*", "ccc"),
}
"""Metrics of a task in a database without a protocol."""


def official(names: Sequence[str], tasks: Sequence[Task], protocol: str) -> tuple[str, ...]:
    """The names of the metrics that a protocol asks for, in its order.

    Args:
        names: all available metrics, as ``task.metric``.
        tasks: the tasks of these metrics.
        protocol: a name in :data:`PROTOCOLS`. Any other name, such as ``headline``, or a protocol without any of these
            metrics means :data:`HEADLINE` of every task.
    """
    headline = tuple(f"{task.name}.{metric}" for task in tasks for metric in HEADLINE[task.kind])
    return _picked(names, PROTOCOLS.get(protocol, ())) or _picked(names, headline)


def _picked(names: Sequence[str], patterns: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for pattern in patterns for name in names if name == pattern or fnmatchcase(name, pattern))
