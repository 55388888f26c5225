"""Videos to tables: journal, resuming, smoothing, summary, overlay."""
