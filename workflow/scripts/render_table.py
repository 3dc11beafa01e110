"""Renders one table from the configuration's entry and stored results."""

from pathlib import Path

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.paper.labels import Labels
    from ronghe.paper.render_table import render_table

    render_table(
        snakemake.wildcards.table,
        snakemake.params.entry,
        Labels(snakemake.params.labels, snakemake.params.language),
        Path(snakemake.output[0]).parent,
        panel=list(snakemake.input.panel),
        files=list(snakemake.input.files),
        models=snakemake.params.models,
    )
