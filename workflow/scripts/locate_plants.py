"""Hold the distances between plants of one or two industries against simulated locations."""

from ronghe.frames import read_parquet, write_tables
from ronghe.journal import journal
from ronghe.measures.formulas.plant_locations import plant_locations
from ronghe.measures.inputs import options

with journal(snakemake.log[0]):
    points = read_parquet(snakemake.input.points)
    entry = options(snakemake.params.entry)
    tables = plant_locations(points, **entry, seed=snakemake.params.seed, threads=snakemake.threads)
    write_tables(tables, snakemake.output)
