"""Measure growth of a variable and the level that it starts from."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.frames import read_panel, write_tables
    from ronghe.measures.formulas.growth import growth

    panel = read_panel(*snakemake.input.panel)
    write_tables({"panel": growth(panel[snakemake.params.entry["variable"]])}, snakemake.output)
