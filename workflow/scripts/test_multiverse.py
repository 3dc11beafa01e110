"""Join the draws of the multiverse and test the observed curve against them."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    import pandas as pd
    from ronghe.frames import read_csv, write_csv
    from ronghe.models.multiverse.joint_test import joint_test

    draws = pd.concat([read_csv(path) for path in snakemake.input.shards]).sort_values(["null", "draw"])
    write_csv(draws, snakemake.output.draws)
    write_csv(joint_test(draws), snakemake.output.test)
