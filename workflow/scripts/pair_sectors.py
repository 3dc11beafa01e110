"""Measure how far every two sectors share their places."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.frames import read_panel, write_tables
    from ronghe.measures.formulas.sector_pairs import sector_pairs
    from ronghe.measures.inputs import options

    panel = read_panel(*snakemake.input.panel)
    result = sector_pairs(panel, **options(snakemake.params.entry))
    write_tables(result._asdict(), snakemake.output)
