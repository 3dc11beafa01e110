"""Measure the concentration of industries net of the lumpiness of plants."""

from ronghe.frames import read_csv, write_tables
from ronghe.journal import journal
from ronghe.measures.formulas.plant_concentration import plant_concentration

with journal(snakemake.log[0]):
    result = plant_concentration(read_csv(snakemake.input.plants))
    write_tables({"industries": result}, snakemake.output)
