"""Compare the patents of two industries over technology classes."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.frames import read_csv, write_tables
    from ronghe.measures.formulas.technology_convergence import technology_convergence
    from ronghe.measures.inputs import options

    entry = options(snakemake.params.entry)
    keys = ["region", "year", "class"]
    counts = read_csv(snakemake.input.counts, needs=keys).set_index(keys)
    panel = technology_convergence(counts, **entry)
    years = technology_convergence(counts.groupby(["year", "class"]).sum(), **entry)
    write_tables({"panel": panel, "years": years}, snakemake.output)
