"""Steps: exclude rows of a manifest by rules or samples, or redivide them into splits; recorded and undoable."""
