"""Batches: rows of several manifests, mixed, masked and augmented."""
