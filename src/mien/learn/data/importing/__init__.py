"""Importing: from a data set, or from a network's annotations, to a manifest and its pack."""
