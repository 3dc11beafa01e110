"""Weights: who is near whom, as labelled sparse matrices."""
