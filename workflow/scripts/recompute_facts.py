"""Stated figures in, the same recomputed out."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.clean.facts import recompute_facts
    from ronghe.frames import write_csv

    write_csv(recompute_facts(snakemake.params.facts), snakemake.output.facts)
