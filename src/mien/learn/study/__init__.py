"""Studies: one recipe in several settings, over folds or seeds, and the tests of their differences."""
