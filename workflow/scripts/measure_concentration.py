"""Measure how concentrated in space each sector is."""

from ronghe.frames import read_panel, write_tables
from ronghe.journal import journal
from ronghe.measures.formulas.concentration import concentration
from ronghe.measures.inputs import options

with journal(snakemake.log[0]):
    panel = read_panel(*snakemake.input.panel)
    result = concentration(panel, **options(snakemake.params.entry))
    write_tables({"sectors": result}, snakemake.output)
