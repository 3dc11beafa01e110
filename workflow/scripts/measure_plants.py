"""Measure the concentration of industries net of the lumpiness of plants."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.frames import read_csv, write_tables
    from ronghe.measures.formulas.plant_concentration import cells_of_microdata, cells_of_plants, plant_concentration

    table = read_csv(snakemake.input.plants)
    cells = cells_of_microdata(table) if "microdata" in snakemake.params.entry else cells_of_plants(table)
    write_tables(plant_concentration(cells)._asdict(), snakemake.output)
