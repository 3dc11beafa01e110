"""Find local clusters and follow them over the years."""

from pathlib import Path

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.explore.local_dependence import find_clusters
    from ronghe.frames import read_panel, write_tables
    from ronghe.weights import Weights

    weights = {Path(path).parent.name: Weights.read(path) for path in snakemake.input.weights}
    entry = {key: value for key, value in snakemake.params.entry.items() if key != "weights"}
    tables = find_clusters(read_panel(*snakemake.input.panel), weights, **entry, seed=snakemake.params.seed)
    write_tables(tables, snakemake.output)
