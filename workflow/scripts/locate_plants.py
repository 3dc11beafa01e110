"""Hold the distances between plants of one or two industries against simulated locations."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.frames import read_parquet, write_tables
    from ronghe.measures.formulas.plant_locations import plant_locations
    from ronghe.measures.inputs import options

    points = read_parquet(snakemake.input.points)
    entry = options(snakemake.params.entry)
    tables = plant_locations(points, **entry, seed=snakemake.params.seed, threads=snakemake.threads)
    write_tables(tables, snakemake.output)
