"""Panel and flags in, codebook out."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.clean.codebook import describe_panel
    from ronghe.frames import read_csv, read_panel, write_csv

    panel, flags = read_panel(snakemake.input.panel), read_csv(snakemake.input.flags)
    params = snakemake.params
    codebook = describe_panel(panel, params.dataset, flags, params.labels, params.language)
    write_csv(codebook, snakemake.output.codebook)
