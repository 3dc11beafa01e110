"""Measure efficiency and productivity against a global frontier."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.frames import read_panel, write_tables
    from ronghe.measures.formulas.productivity import productivity, target_slacks
    from ronghe.measures.inputs import options

    panel = read_panel(*snakemake.input.panel)
    entry = options(snakemake.params.entry)
    result = productivity(panel, **entry)
    entry.pop("distance", None)
    write_tables({"panel": result, "slacks": target_slacks(panel, **entry)}, snakemake.output)
