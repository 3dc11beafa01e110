"""Refit the curve of the multiverse under a null for one shard of the settings."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.frames import write_parquet
    from ronghe.models.estimate import Data
    from ronghe.models.multiverse.declaration import Multiverse
    from ronghe.models.multiverse.joint_test import redraw_shard

    given, params, wildcards = snakemake.input, snakemake.params, snakemake.wildcards
    regions, flags = next(iter(given.regions), None), next(iter(given.flags), None)
    data = Data.read(given.panel, given.measures, regions, given.weights, flags=flags, seed=params.seed)
    multiverse = Multiverse(params.entry, params.seed)
    shard = int(wildcards.shard), params.entry["shards"]
    fits = redraw_shard(wildcards.null, multiverse, params.samples, data, given.specifications, *shard)
    write_parquet(fits, snakemake.output[0])
