"""Microdata: files of plants or of patents, row by row, brought to regions, sectors and years out of core."""
