"""Covariances, intervals and resampling of fitted spatial panels."""
