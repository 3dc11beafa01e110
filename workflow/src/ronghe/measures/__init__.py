"""Measures: the panel becomes indices of development, integration and agglomeration."""
