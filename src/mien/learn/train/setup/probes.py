"""The identity probes of a run: faces of known people, and the column that identifies the person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from mien.learn.data.manifest import Manifest, read_manifest
from mien.learn.features.identity_probe import FOLDS
from mien.learn.recipe import RecipeError
from mien.learn.recipe.settings import Probe


def open_probes(probes: Mapping[str, Probe]) -> dict[str, tuple[Manifest, str]]:
    """The faces of each probe, and the column that identifies the person.

    Raises:
        RecipeError: if there is no such column, or no two people with enough faces.
        ManifestError: if a manifest cannot be used.
    """
    opened = {}
    for name, probe in probes.items():
        manifest = read_manifest(probe.manifest).split(probe.split)
        if probe.column not in manifest.table.column_names:
            raise RecipeError(f"probes.{name}: {manifest.path} has no column {probe.column} to identify people by")
        counts = Counter(person for person in manifest.table[probe.column].to_pylist() if person is not None)
        if sum(count >= FOLDS for count in counts.values()) < 2:
            raise RecipeError(f"probes.{name}: {manifest.path} needs two people with {FOLDS} or more faces each")
        opened[name] = manifest, probe.column
    return opened
