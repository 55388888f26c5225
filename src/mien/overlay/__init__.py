"""Overlays: annotations drawn on pictures and videos, to check them by eye."""
