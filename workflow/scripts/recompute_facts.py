"""Stated figures in, the same recomputed out."""

from ronghe.clean.facts import recompute_facts
from ronghe.frames import write_csv
from ronghe.journal import journal

with journal(snakemake.log[0]):
    write_csv(recompute_facts(snakemake.params.facts), snakemake.output.facts)
