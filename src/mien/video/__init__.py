"""One video becomes one table: journal, resume, smoothing, summary, overlay."""
