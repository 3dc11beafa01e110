"""Gathers every table in one Word document, in the order and under the numbers of the paper."""

from pathlib import Path

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.files import write_bytes
    from ronghe.paper.formats.one_document import gather_word
    from ronghe.paper.labels import Labels

    given, word = snakemake.params, Labels({}, snakemake.params.language).word("notes.table")
    numbers = {name: f"{word} {number}." if number else "" for name, number in given.numbers.items()}
    folder = Path(snakemake.output[0]).parent
    title = f"{given.dataset}: {len(numbers)} tables"
    paths = {folder / f"{name}.docx": number for name, number in numbers.items()}
    write_bytes(snakemake.output[0], gather_word(paths, title))
