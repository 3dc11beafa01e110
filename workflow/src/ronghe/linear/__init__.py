"""Rows without space: least squares, instruments, moments, covariances and tests for panels."""
