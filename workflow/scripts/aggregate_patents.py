"""Count patents by technology class, region, sector and year."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.clean.microdata.aggregate import aggregate
    from ronghe.clean.microdata.database import Limits

    limits = Limits(snakemake.params.scratch, snakemake.resources.mem_mb, snakemake.threads)
    aggregate(snakemake.params.dataset, snakemake.wildcards.microdata, dict(snakemake.output.items()), limits)
