"""Frozen features: extracting them, and predicting labels and identities from them."""
