"""Gathers every table in one Word document."""

from pathlib import Path

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.paper.formats.one_document import gather_word

    title = f"{snakemake.params.dataset}: {len(snakemake.input.tables)} tables"
    Path(snakemake.output[0]).write_bytes(gather_word(snakemake.input.tables, title))
