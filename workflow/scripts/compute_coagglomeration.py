"""Compare the location quotients of an industry and its partners."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.frames import read_panel, write_tables
    from ronghe.measures.formulas.coagglomeration import coagglomeration
    from ronghe.measures.inputs import options

    panel = read_panel(*snakemake.input.panel)
    result = coagglomeration(panel, **options(snakemake.params.entry))
    write_tables({"panel": result}, snakemake.output)
