"""Set what other packages print for a published panel beside our own numbers."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.frames import write_csv
    from ronghe.models.validation.package_comparison import compare_packages

    write_csv(compare_packages(snakemake.input.figures, snakemake.input.neighbors), snakemake.output[0])
