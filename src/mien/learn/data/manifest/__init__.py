"""Manifests: one row per input with any labels, and the pack of the inputs: read, write, check, merge, count."""

from mien.learn.data.manifest.columns import MANIFEST, PACK, ManifestError
from mien.learn.data.manifest.read import Manifest, read_manifest, read_metadata
from mien.learn.data.manifest.write import check_labels, write_manifest

__all__ = [
    "MANIFEST",
    "PACK",
    "Manifest",
    "ManifestError",
    "check_labels",
    "read_manifest",
    "read_metadata",
    "write_manifest",
]
