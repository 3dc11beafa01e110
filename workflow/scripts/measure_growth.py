"""Measure growth of a variable and the level that it starts from."""

from ronghe.frames import read_panel, write_tables
from ronghe.journal import journal
from ronghe.measures.formulas.growth import growth

with journal(snakemake.log[0]):
    panel = read_panel(*snakemake.input.panel)
    write_tables({"panel": growth(panel[snakemake.params.entry["variable"]])}, snakemake.output)
