"""Compare each sector's share in a region with its share in all regions."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.frames import read_panel, write_tables
    from ronghe.measures.formulas.location_quotient import location_quotients
    from ronghe.measures.inputs import options

    panel = read_panel(*snakemake.input.panel)
    result = location_quotients(panel, **options(snakemake.params.entry))
    write_tables({"panel": result}, snakemake.output)
