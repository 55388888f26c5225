"""Recipes: everything that a training run depends on, typed and checked."""

from mien.learn.recipe.recipe_file import Recipe, RecipeError, changed_keys, load, parse, parse_stored, read

__all__ = ["Recipe", "RecipeError", "changed_keys", "load", "parse", "parse_stored", "read"]
