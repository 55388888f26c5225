"""Overlays: what was read, drawn on pictures and videos."""
