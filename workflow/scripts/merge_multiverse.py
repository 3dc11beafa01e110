"""Join the shards of the multiverse in the order of the grid."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.models.multiverse import table
    from ronghe.models.multiverse.declaration import Multiverse

    multiverse = Multiverse(snakemake.params.entry, snakemake.params.seed)
    table.merge(list(snakemake.input.shards), snakemake.output[0], multiverse)
