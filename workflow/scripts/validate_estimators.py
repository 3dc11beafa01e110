"""Draw from a specification whose truth is known, and write how the estimators and the tests do."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    import sys

    from ronghe.frames import write_csv
    from ronghe.models.estimate import Data
    from ronghe.models.validation.monte_carlo import validate

    given, params = snakemake.input, snakemake.params
    regions = next(iter(given.regions), None)
    data = Data.read(given.panel, given.measures, regions, given.weights, given.tables)
    # The terminal shows how far the draws are; the log holds what is printed.
    tables = validate(
        params.specification, data, params.validation, params.seed, snakemake.threads, shown_on=sys.__stderr__
    )
    for name, table in tables.items():
        write_csv(table, snakemake.output[name])
