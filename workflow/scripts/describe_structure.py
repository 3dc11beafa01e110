"""Measure how specialised and how varied the sectors of a region are."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.frames import read_panel, write_tables
    from ronghe.measures.formulas.structure import structure
    from ronghe.measures.inputs import options

    panel = read_panel(*snakemake.input.panel)
    result = structure(panel, **options(snakemake.params.entry))
    write_tables({"panel": result}, snakemake.output)
