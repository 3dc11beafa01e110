"""Test residuals without spatial terms for spatial dependence."""

from pathlib import Path

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.explore.residual_tests import examine_residuals
    from ronghe.frames import read_panel, write_tables
    from ronghe.weights import Weights

    weights = {Path(path).parent.name: Weights.read(path) for path in snakemake.input.weights}
    entry = {key: value for key, value in snakemake.params.entry.items() if key != "weights"}
    tables = examine_residuals(read_panel(*snakemake.input.panel), weights, **entry)
    write_tables(tables, snakemake.output)
