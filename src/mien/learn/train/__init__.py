"""Training: a recipe becomes a frozen run, and the trainer loops over it."""
