"""Measure how far every two sectors share their places."""

from ronghe.frames import read_panel
from ronghe.journal import journal
from ronghe.measures.pairwise import sector_pairs
from ronghe.measures.tables import options, write_tables

with journal(snakemake.log[0]):
    panel = read_panel(*snakemake.input.panel)
    result = sector_pairs(panel, **options(snakemake.params.entry))
    write_tables(result._asdict(), snakemake.output)
