"""Frozen features: extracting them, and reading labels and identities from them."""
