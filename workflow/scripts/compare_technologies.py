"""Compare the patents of two industries over technology classes."""

from ronghe.frames import read_csv
from ronghe.journal import journal
from ronghe.measures.tables import options, write_tables
from ronghe.measures.technology_convergence import technology_convergence

with journal(snakemake.log[0]):
    entry = options(snakemake.params.entry)
    counts = read_csv(entry.pop("file")).set_index(["region", "year", "class"])
    panel = technology_convergence(counts, **entry)
    years = technology_convergence(counts.groupby(["year", "class"]).sum(), **entry)
    write_tables({"panel": panel, "years": years.reset_index()}, snakemake.output)
