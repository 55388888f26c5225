"""Evaluation: predictions, metrics, intervals, official protocols, reports."""
