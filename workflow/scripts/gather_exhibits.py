"""Gathers every table and figure in one LaTeX document."""

from pathlib import Path

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.paper.manuscript import exhibits

    config = {"tables": snakemake.params.tables, "figures": snakemake.params.figures}
    Path(snakemake.output[0]).write_text(exhibits(config, snakemake.params.language), encoding="utf-8")
