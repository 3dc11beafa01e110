"""Trace services in manufacturing and manufacturing in services through input-output tables."""

from ronghe.frames import read_csv, write_tables
from ronghe.journal import journal
from ronghe.measures.formulas.linkage import linkage
from ronghe.measures.input_output import tables_by_year
from ronghe.measures.inputs import options

with journal(snakemake.log[0]):
    entry = options(snakemake.params.entry)
    tables = tables_by_year(read_csv(snakemake.input.table), entry.pop("tolerance", 1e-5))
    result = linkage(tables, **entry)
    write_tables(result, snakemake.output)
