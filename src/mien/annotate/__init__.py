"""Annotation: faces in pictures and videos to rows of a table."""
