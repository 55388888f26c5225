"""Where predictions come from: networks on packs, whole pictures end to end, tables of other tools."""
