"""Estimate sigma and beta convergence, with and without controls and neighbours."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.explore.convergence import describe_convergence
    from ronghe.frames import read_csv, read_panel, write_tables
    from ronghe.weights import Weights

    panel = read_panel(*snakemake.input.panel)
    regions = read_csv(snakemake.input.regions).set_index("region")
    weights = [Weights.read(path) for path in snakemake.input.weights]
    entry = snakemake.params.entry | {"weights": next(iter(weights), None)}
    write_tables(describe_convergence(panel, regions, **entry), snakemake.output)
