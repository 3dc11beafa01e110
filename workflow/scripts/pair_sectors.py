"""Measure how far every two sectors share their places."""

from ronghe.frames import read_panel, write_tables
from ronghe.journal import journal
from ronghe.measures.formulas.sector_pairs import sector_pairs
from ronghe.measures.inputs import options

with journal(snakemake.log[0]):
    panel = read_panel(*snakemake.input.panel)
    result = sector_pairs(panel, **options(snakemake.params.entry))
    write_tables(result._asdict(), snakemake.output)
