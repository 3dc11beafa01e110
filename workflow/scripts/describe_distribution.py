"""Split inequality over regions by groups, and draw kernel densities by year."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.explore.distribution import describe_distribution
    from ronghe.frames import read_csv, read_panel, write_tables

    panel = read_panel(*snakemake.input.panel)
    regions = read_csv(snakemake.input.regions).set_index("region")
    given = snakemake.params
    write_tables(describe_distribution(panel, regions, **given.entry, bounds=given.bounds), snakemake.output)
