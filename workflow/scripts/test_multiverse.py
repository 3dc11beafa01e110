"""Join the draws of the multiverse and test the observed curve against them."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    import pandas as pd
    from ronghe.frames import read_parquet, write_csv
    from ronghe.models.multiverse.joint_test import curves, joint_test

    draws = curves(pd.concat([read_parquet(path) for path in snakemake.input.shards]))
    write_csv(draws, snakemake.output.draws)
    write_csv(joint_test(draws), snakemake.output.test)
