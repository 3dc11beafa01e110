"""Measure efficiency and productivity against a global frontier."""

from ronghe.frames import read_panel, write_tables
from ronghe.journal import journal
from ronghe.measures.formulas.productivity import productivity, target_slacks
from ronghe.measures.inputs import options

with journal(snakemake.log[0]):
    panel = read_panel(*snakemake.input.panel)
    entry = options(snakemake.params.entry)
    result = productivity(panel, **entry)
    entry.pop("distance", None)
    write_tables({"panel": result, "slacks": target_slacks(panel, **entry)}, snakemake.output)
