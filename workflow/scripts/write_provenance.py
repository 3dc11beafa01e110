"""Writes where every exhibit comes from."""

from pathlib import Path

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.paper.exhibit_list import list_provenance
    from ronghe.paper.numbers import footer_facts

    facts = footer_facts(
        [snakemake.input.panel], list(snakemake.input.library), snakemake.params.seed, snakemake.params.dataset
    )
    text = list_provenance(snakemake.params.sources, facts, snakemake.params.places["paper"])
    Path(snakemake.output[0]).write_text(text, encoding="utf-8")
