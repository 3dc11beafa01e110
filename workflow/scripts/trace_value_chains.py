"""Trace value added of sectors through the exports of all countries."""

from ronghe.frames import read_csv, write_tables
from ronghe.journal import journal
from ronghe.measures.formulas.value_chain import from_long, value_chain
from ronghe.measures.inputs import options

with journal(snakemake.log[0]):
    entry = options(snakemake.params.entry)
    flows, final = from_long(read_csv(snakemake.input.flows), read_csv(snakemake.input.final))
    del entry["flows"], entry["final"]
    result = value_chain(flows, final, **entry)
    write_tables({"participation": result}, snakemake.output)
