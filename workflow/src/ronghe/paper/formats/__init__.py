"""Exhibits as TeX, Typst, Word, HTML and CSV; `write` writes them all."""
