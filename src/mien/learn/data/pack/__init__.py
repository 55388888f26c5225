"""Packs: the pixels that the rows of a manifest point to, found, aligned and stored once."""
