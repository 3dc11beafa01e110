"""Spatial panels by two-stage least squares."""
