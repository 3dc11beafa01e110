"""Builders of the tables, one module per family; each turns stored results into an exhibit."""
