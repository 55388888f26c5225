"""Importing: a reader, or annotations, become a manifest."""
