"""Build one weights matrix and write its edges and summary."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.weights.build import build, read_sources, save

    entry = snakemake.params.entry
    sources = read_sources(entry, snakemake.params.files, snakemake.params.spellings)
    W, summary = build(snakemake.wildcards.weights, entry, sources)
    save(W, summary, snakemake.output.edges, snakemake.output.summary)
