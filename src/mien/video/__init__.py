"""Annotates videos into tables: journal, resuming, smoothing, summary, overlay."""
