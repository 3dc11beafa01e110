"""Trace value added of sectors through the exports of all countries."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.frames import read_csv, write_tables
    from ronghe.measures.formulas.value_chain import from_long, value_chain
    from ronghe.measures.inputs import options

    entry = options(snakemake.params.entry)
    flows, final = from_long(read_csv(snakemake.input.flows), read_csv(snakemake.input.final))
    del entry["flows"], entry["final"]
    result = value_chain(flows, final, **entry)
    write_tables({"participation": result}, snakemake.output)
