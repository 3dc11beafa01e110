"""Raw tables in, panel and its records out."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.clean.panel import clean_dataset

    cleaned = clean_dataset(snakemake.params.dataset)
    cleaned.write(dict(snakemake.output.items()))
