"""Compare the ranks that several weightings of one system give."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.frames import read_panel, write_tables
    from ronghe.measures.formulas.weighting_comparison import compare_weightings

    panel = read_panel(*snakemake.input.panel)
    names = snakemake.params.entry["indices"]
    indices = panel[[f"{name}.index" for name in names]].set_axis(names, axis=1)
    write_tables(compare_weightings(indices), snakemake.output)
