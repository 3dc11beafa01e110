"""Trace services in manufacturing and manufacturing in services through input-output tables."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.frames import read_csv, write_tables
    from ronghe.measures.formulas.linkage import linkage
    from ronghe.measures.input_output import tables_by_year
    from ronghe.measures.inputs import options

    entry = options(snakemake.params.entry)
    tables = tables_by_year(read_csv(snakemake.input.table), entry.pop("tolerance", 1e-5))
    result = linkage(tables, **entry)
    write_tables(result, snakemake.output)
