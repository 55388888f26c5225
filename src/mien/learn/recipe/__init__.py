"""Recipes: everything that a training run depends on, typed and checked."""
