"""Exhibits as TeX, Typst, Word and HTML."""
