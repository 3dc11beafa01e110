"""Writes the page that shows panel, estimates and tables."""

from pathlib import Path

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.paper.explorer import write_explorer
    from ronghe.paper.labels import Labels
    from ronghe.paper.numbers import footer_facts

    given = snakemake.params
    panel = list(snakemake.input.panel)
    labels = Labels(given.labels, given.language)
    facts = footer_facts(panel, list(snakemake.input.library), given.seed, given.dataset)
    write_explorer(
        snakemake.output[0],
        labels,
        panel=panel,
        regions=snakemake.input.regions,
        variables=given.variables,
        fits=given.fits,
        tables=given.tables,
        tables_folder=Path(snakemake.output[0]).parent / "tables",
        models=f"{given.places['results']}/models",
        source=labels.word("explorer.source", *(facts[k] for k in ("panel", "code", "data", "seed"))),
    )
