"""Clean: raw tables become one checked, balanced panel."""
