"""Draws one figure from the configuration's entry and stored results."""

from pathlib import Path

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.paper.draw_figure import draw_figure
    from ronghe.paper.labels import Labels

    draw_figure(
        snakemake.wildcards.figure,
        snakemake.params.entry,
        Labels(snakemake.params.labels, snakemake.params.language),
        Path(snakemake.output[0]).parent,
        panel=list(snakemake.input.panel),
        files=list(snakemake.input.files),
        models=snakemake.params.models,
        regions=next(iter(snakemake.input.regions), None),
    )
