"""Explore: spatial dependence and distribution, before any model."""
