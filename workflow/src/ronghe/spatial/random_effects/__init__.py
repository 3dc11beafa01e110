"""Spatial panels with random unit effects."""
