"""Refit the curve of the multiverse for one shard of the permutations."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.frames import write_csv
    from ronghe.models.estimate import Data
    from ronghe.models.multiverse.declaration import Multiverse
    from ronghe.models.multiverse.permutation import permute_shard

    given, params = snakemake.input, snakemake.params
    regions, flags = next(iter(given.regions), None), next(iter(given.flags), None)
    data = Data.read(given.panel, given.measures, regions, given.weights, flags=flags, seed=params.seed)
    shard = int(snakemake.wildcards.shard), params.entry["shards"]
    multiverse = Multiverse(params.entry, params.seed)
    write_csv(permute_shard(multiverse, params.samples, data, given.specifications, *shard), snakemake.output[0])
