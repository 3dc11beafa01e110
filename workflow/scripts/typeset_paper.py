"""Typesets the manuscript."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.paper.manuscript import typeset

    typeset(snakemake.input.source[0], snakemake.output[0], snakemake.params.language)
