"""Gathers every table and figure in one LaTeX document."""

from pathlib import Path

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.paper.formats.escape import has_chinese
    from ronghe.paper.formats.one_document import gather_tex
    from ronghe.paper.labels import Labels
    from ronghe.paper.numbers import figure_captions

    given = snakemake.params
    captions = figure_captions(given.figures, Labels({}, given.language))
    tables = [Path(file).read_text(encoding="utf-8") for file in snakemake.input.tables]
    chinese = given.language == "zh" or any(map(has_chinese, tables))
    text = gather_tex(given.tables, {name: said["caption"] for name, said in captions.items()}, chinese)
    Path(snakemake.output[0]).write_text(text, encoding="utf-8")
