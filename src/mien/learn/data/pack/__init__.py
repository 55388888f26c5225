"""Packs: the pixels that a manifest's rows point to, located, aligned and stored once."""
