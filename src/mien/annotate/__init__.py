"""Annotation: turns the faces in pictures and videos into rows of a table."""
