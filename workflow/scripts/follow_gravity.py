"""Follow the centre of gravity and the standard deviational ellipse."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.explore.gravity import gravity_by_year
    from ronghe.frames import read_csv, read_panel, write_tables

    panel = read_panel(*snakemake.input.panel)
    regions = read_csv(snakemake.input.regions).set_index("region")
    path = gravity_by_year(panel[snakemake.params.entry["variable"]], regions)
    write_tables({"path": path}, snakemake.output)
