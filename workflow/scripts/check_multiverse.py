"""Refit a sample of the multiverse by the ordinary engine."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.frames import write_csv
    from ronghe.models.estimate import Data
    from ronghe.models.multiverse.agreement import check_agreement
    from ronghe.models.multiverse.declaration import Multiverse

    given, params = snakemake.input, snakemake.params
    regions, flags = next(iter(given.regions), None), next(iter(given.flags), None)
    data = Data.read(given.panel, given.measures, regions, given.weights, flags=flags, seed=params.seed)
    multiverse = Multiverse(params.entry, params.seed)
    write_csv(check_agreement(multiverse, params.samples, data, given.specifications), snakemake.output[0])
