"""Measure the concentration of industries net of the lumpiness of plants."""

from ronghe.frames import read_csv
from ronghe.journal import journal
from ronghe.measures.plants import plant_concentration
from ronghe.measures.tables import write_tables

with journal(snakemake.log[0]):
    result = plant_concentration(read_csv(snakemake.input.plants))
    write_tables({"industries": result}, snakemake.output)
