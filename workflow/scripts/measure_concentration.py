"""Measure how concentrated in space each sector is."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.frames import read_panel, write_tables
    from ronghe.measures.formulas.concentration import concentration
    from ronghe.measures.inputs import options

    panel = read_panel(*snakemake.input.panel)
    result = concentration(panel, **options(snakemake.params.entry))
    write_tables({"sectors": result}, snakemake.output)
