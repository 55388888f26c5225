"""Sources of predictions: networks on packs, whole pictures end to end, and tables of other tools."""
