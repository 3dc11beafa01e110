"""Estimate one shard of the multiverse."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.models.estimate import Data
    from ronghe.models.multiverse.declaration import Multiverse
    from ronghe.models.multiverse.run import run_shard

    given, params = snakemake.input, snakemake.params
    regions, flags = next(iter(given.regions), None), next(iter(given.flags), None)
    data = Data.read(given.panel, given.measures, regions, given.weights, flags=flags, seed=params.seed)
    shard, shards = int(snakemake.wildcards.shard), params.entry["shards"]
    run_shard(Multiverse(params.entry, params.seed), params.samples, data, shard, shards, snakemake.output[0])
