"""Reversible steps on a manifest: cleaning, sampling, splitting."""
