"""Draw from a specification whose truth is known, and write how the estimators and the tests do."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.frames import write_csv
    from ronghe.models.estimate import Data
    from ronghe.models.validation.monte_carlo import validate

    given, params = snakemake.input, snakemake.params
    regions = next(iter(given.regions), None)
    data = Data.read(given.panel, given.measures, regions, given.weights, given.tables)
    tables = validate(params.specification, data, params.validation, params.seed)
    for name, table in tables.items():
        write_csv(table, snakemake.output[name])
