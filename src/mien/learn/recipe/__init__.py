"""Recipes: everything a training run depends on, typed and checked."""
