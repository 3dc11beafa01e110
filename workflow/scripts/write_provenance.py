"""Writes where every exhibit comes from."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.files import write_text
    from ronghe.paper.exhibit_list import list_provenance
    from ronghe.paper.numbers import footer_facts

    facts = footer_facts(
        [snakemake.input.panel], list(snakemake.input.library), snakemake.params.seed, snakemake.params.dataset
    )
    params = snakemake.params
    text = list_provenance(params.sources, params.sections, facts, params.places["paper"])
    write_text(snakemake.output[0], text)
