"""Estimate sigma and beta convergence, with and without controls and neighbours."""

from ronghe.explore.describe import describe_convergence
from ronghe.explore.distribution import write_keyed
from ronghe.frames import read_csv, read_panel
from ronghe.journal import journal
from ronghe.weights import Weights

with journal(snakemake.log[0]):
    panel = read_panel(*snakemake.input.panel)
    regions = read_csv(snakemake.input.regions).set_index("region")
    weights = [Weights.read(path) for path in snakemake.input.weights]
    entry = snakemake.params.entry | {"weights": next(iter(weights), None)}
    write_keyed(describe_convergence(panel, regions, **entry), snakemake.output)
