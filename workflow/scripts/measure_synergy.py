"""Measure how subsystems rise or fall together since a base year."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.frames import read_panel, write_tables
    from ronghe.measures.formulas.synergy import synergy
    from ronghe.measures.inputs import options

    panel = read_panel(*snakemake.input.panel)
    result = synergy(panel, **options(snakemake.params.entry))
    write_tables({"panel": result}, snakemake.output)
