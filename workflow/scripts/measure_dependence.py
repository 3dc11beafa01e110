"""Test the spatial dependence of variables and of pairs of variables in every year."""

from pathlib import Path

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.explore.dependence import measure_dependence
    from ronghe.frames import read_panel, write_tables
    from ronghe.weights import Weights

    weights = {Path(path).parent.name: Weights.read(path) for path in snakemake.input.weights}
    entry = {key: value for key, value in snakemake.params.entry.items() if key != "weights"}
    tables = measure_dependence(read_panel(*snakemake.input.panel), weights, **entry, seed=snakemake.params.seed)
    write_tables(tables, snakemake.output)
