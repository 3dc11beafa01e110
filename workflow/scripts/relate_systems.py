"""Relate the indicators of two systems by grey relational grades."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.frames import write_tables
    from ronghe.measures.formulas.grey_relation import grey_relation
    from ronghe.measures.inputs import read_keyed

    first, second = (read_keyed(path) for path in (*snakemake.input.first, *snakemake.input.second))
    distinguishing = snakemake.params.entry.get("distinguishing", 0.5)
    result = grey_relation(first, second, distinguishing)
    write_tables(result._asdict(), snakemake.output)
