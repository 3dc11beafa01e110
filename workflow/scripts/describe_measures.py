"""Describe every column and table of every measure."""

from ronghe.frames import write_csv
from ronghe.journal import journal
from ronghe.measures.codebook import codebook

with journal(snakemake.log[0]):
    result = codebook(snakemake.params.descriptions, snakemake.params.labels)
    write_csv(result, snakemake.output.codebook)
