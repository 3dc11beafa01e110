"""Set the weights side by side and write both tables."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.frames import read_panel, write_csv
    from ronghe.weights.comparison import compare_files

    given, output = snakemake.input, snakemake.output
    panel = read_panel(*([given.panel] if isinstance(given.panel, str) else given.panel))
    comparison, correlations = compare_files(given.edges, given.summaries, panel[list(snakemake.params.variables)])
    write_csv(comparison, output.comparison)
    write_csv(correlations, output.correlations)
