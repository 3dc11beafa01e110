"""Couple subsystems: degree, development, coordination, obstacles."""

from ronghe.frames import read_panel, write_tables
from ronghe.journal import journal
from ronghe.measures.formulas.coupling import couple, obstacles
from ronghe.measures.inputs import options, read_systems

with journal(snakemake.log[0]):
    panel = read_panel(*snakemake.input.panel)
    entry = options(snakemake.params.entry)
    systems = read_systems(snakemake.params.systems, snakemake.input.scores, snakemake.input.weights)
    result = couple(panel, **entry)._asdict() | obstacles(*systems, entry.get("weights"))
    write_tables(result, snakemake.output)
