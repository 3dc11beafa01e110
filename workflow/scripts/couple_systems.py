"""Couple subsystems: degree, development, coordination, obstacles."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.frames import read_panel, write_tables
    from ronghe.measures.formulas.coupling import couple, obstacles
    from ronghe.measures.inputs import options, read_systems

    panel = read_panel(*snakemake.input.panel)
    entry = options(snakemake.params.entry)
    systems = read_systems(snakemake.params.systems, snakemake.input.scores, snakemake.input.weights)
    result = couple(panel, **entry)._asdict() | obstacles(*systems, entry.get("weights"))
    write_tables(result, snakemake.output)
