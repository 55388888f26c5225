"""Manifests: one row per input with any labels, and the pack of the inputs: read, write, check, merge, count."""

from mien.learn.data.manifest.columns import MANIFEST, ManifestError
from mien.learn.data.manifest.manifest import Manifest, read_manifest, read_metadata
from mien.learn.data.manifest.write import write_manifest

__all__ = ["MANIFEST", "Manifest", "ManifestError", "read_manifest", "read_metadata", "write_manifest"]
