"""Trace value added of sectors through the exports of all countries."""

from ronghe.frames import read_csv
from ronghe.journal import journal
from ronghe.measures.tables import options, write_tables
from ronghe.measures.value_chain import from_long, value_chain

with journal(snakemake.log[0]):
    entry = options(snakemake.params.entry)
    flows, final = from_long(read_csv(snakemake.input.flows), read_csv(snakemake.input.final))
    del entry["flows"], entry["final"]
    result = value_chain(flows, final, **entry)
    write_tables({"participation": result.reset_index()}, snakemake.output)
