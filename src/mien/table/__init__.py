"""Annotation tables: writing, reading, summaries, and the column layouts of other tools."""
