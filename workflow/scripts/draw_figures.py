"""Draws the figures of one section from the configuration's entries and stored results."""

from pathlib import Path

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.paper.draw_figure import draw_figures
    from ronghe.paper.labels import Labels

    draw_figures(
        snakemake.params.entries,
        Labels(snakemake.params.labels, snakemake.params.language),
        Path(snakemake.output[0]).parent,
        reads=snakemake.params.reads,
        models=snakemake.params.models,
    )
