"""Summarise the multiverse."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.models.multiverse.declaration import Multiverse
    from ronghe.models.multiverse.judge import judge

    multiverse = Multiverse(snakemake.params.entry, snakemake.params.seed)
    judge(multiverse, snakemake.input.specifications, dict(snakemake.output.items()))
