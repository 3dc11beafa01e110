"""Writes the page that answers where, with what, how sure, where it spills, and what if."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.paper.explorer.page import Given, write_explorer
    from ronghe.paper.numbers import footer_facts

    made, params = snakemake.input, snakemake.params
    given = Given(
        config=params.config,
        panel=list(made.panel),
        regions=made.regions,
        variables=params.variables,
        specifications=params.specifications,
        processed=params.places["processed"],
        results=params.places["results"],
        facts=footer_facts(list(made.panel), list(made.library), params.config["seed"], params.dataset),
    )
    write_explorer(snakemake.output[0], given)
