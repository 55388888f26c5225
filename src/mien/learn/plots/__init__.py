"""Plots of predictions over time and of feature spaces."""
