"""The identity probes of a recipe: their faces, and the column that names the person."""

from __future__ import annotations

from collections import Counter

from mien.learn.data.manifest.manifest import Manifest, read_manifest
from mien.learn.features.identity_probe import FOLDS
from mien.learn.recipe.recipe import Recipe, RecipeError


def open_probes(recipe: Recipe) -> dict[str, tuple[Manifest, str]]:
    """The faces of each probe of a recipe, and the column that names the person.

    Raises:
        RecipeError: if the column is missing, if fewer than two people have enough faces, or if the tasks share no
            features.
        ManifestError: if a manifest cannot be used.
    """
    if recipe.probes and recipe.sharing:
        raise RecipeError(f"probes: they read shared features; with {recipe.sharing.name} each task has its own")
    found = {}
    for name, probe in recipe.probes.items():
        manifest = read_manifest(probe.manifest).split(probe.split)
        if probe.column not in manifest.table.column_names:
            raise RecipeError(f"probes.{name}: {manifest.path} has no column {probe.column}, which names the person")
        counts = Counter(person for person in manifest.table[probe.column].to_pylist() if person is not None)
        if sum(count >= FOLDS for count in counts.values()) < 2:
            raise RecipeError(f"probes.{name}: {manifest.path} needs two people with at least {FOLDS} faces each")
        found[name] = manifest, probe.column
    return found
