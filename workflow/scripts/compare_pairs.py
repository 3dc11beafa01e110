"""Put couplings side by side by year and group of regions."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.frames import read_csv, read_panel, write_tables
    from ronghe.measures.formulas.pair_comparison import compare_pairs
    from ronghe.measures.inputs import read_keyed

    panel = read_panel(*snakemake.input.panel)
    entry = snakemake.params.entry
    states = dict(zip(entry["couplings"], map(read_keyed, snakemake.input.states), strict=True))
    regions = read_csv(snakemake.input.regions).set_index("region")
    result = compare_pairs(panel, states, regions, entry.get("group", "macro_region"))
    write_tables(result, snakemake.output)
