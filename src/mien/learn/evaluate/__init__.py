"""Evaluation: predictions, metrics, intervals, official protocols and reports."""
