"""Spatial panels with the outcome of the period before."""
