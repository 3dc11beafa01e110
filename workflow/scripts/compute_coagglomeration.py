"""Compare the location quotients of an industry and its partners."""

from ronghe.frames import read_panel
from ronghe.journal import journal
from ronghe.measures.agglomeration import coagglomeration
from ronghe.measures.tables import options, write_tables

with journal(snakemake.log[0]):
    panel = read_panel(*snakemake.input.panel)
    result = coagglomeration(panel, **options(snakemake.params.entry))
    write_tables({"panel": result}, snakemake.output)
