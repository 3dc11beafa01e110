"""Describe every column and table of every measure."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.frames import write_csv
    from ronghe.measures.codebook import codebook

    result = codebook(snakemake.params.descriptions, snakemake.params.labels)
    write_csv(result, snakemake.output.codebook)
