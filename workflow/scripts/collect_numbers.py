"""Collects the numbers that the manuscript quotes."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.paper.labels import Labels
    from ronghe.paper.numbers import figure_captions, footer_facts, tell, write_numbers

    panel = list(snakemake.input.panel)
    facts = footer_facts(panel, list(snakemake.input.library), snakemake.params.seed, snakemake.params.dataset)
    captions = figure_captions(snakemake.params.figures, Labels({}, snakemake.params.language))
    given, out = snakemake.params, snakemake.output
    story = tell(given.story, Labels(given.labels, given.language))
    models = f"{given.places['results']}/models"
    write_numbers(given.quotes, out.text, panel, facts, captions, models, given.places, out.origins, story)
