"""Spatial panels with gaps: the exact likelihood of the cells that are there."""
