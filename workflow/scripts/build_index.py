"""Weigh the indicators of a system and add them up."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.frames import read_panel, write_tables
    from ronghe.measures.formulas.index import composite_index
    from ronghe.measures.inputs import options

    panel = read_panel(*snakemake.input.panel)
    result = composite_index(panel, **options(snakemake.params.entry), seed=snakemake.params.seed)
    write_tables(result._asdict(), snakemake.output)
