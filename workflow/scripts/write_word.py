"""Writes the manuscript as a Word document."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.paper.manuscript import write_word

    write_word(snakemake.input.source[0], snakemake.output[0], snakemake.params.language)
