"""Gathers every table and figure in one LaTeX document, in the order and under the numbers of the paper."""

from pathlib import Path

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.files import write_text
    from ronghe.paper.formats.escape import has_chinese
    from ronghe.paper.formats.one_document import gather_tex
    from ronghe.paper.labels import Labels
    from ronghe.paper.numbers import figure_captions

    given, labels = snakemake.params, Labels({}, snakemake.params.language)
    said = figure_captions(given.figures, labels, finished=True)
    tables = [Path(file).read_text(encoding="utf-8") for file in snakemake.input.tables]
    chinese = given.language == "zh" or any(map(has_chinese, tables))
    text = gather_tex(given.numbers["tables"], given.numbers["figures"], said, chinese)
    write_text(snakemake.output[0], text)
