"""Patterns of points: how near to one another the plants of an industry, or of two industries, stand."""
