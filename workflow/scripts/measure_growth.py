"""Measure growth of a variable and the level that it starts from."""

from ronghe.frames import read_panel
from ronghe.journal import journal
from ronghe.measures.growth import growth
from ronghe.measures.tables import write_tables

with journal(snakemake.log[0]):
    panel = read_panel(*snakemake.input.panel)
    write_tables({"panel": growth(panel[snakemake.params.entry["variable"]])}, snakemake.output)
