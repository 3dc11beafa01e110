"""Write which intervals of the error models hold here, and how often LM and Hausman tests reject a true null."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.frames import write_csv
    from ronghe.models.estimate import Data
    from ronghe.models.validation.model_certificates import certify_models

    given, params = snakemake.input, snakemake.params
    data = Data.read(given.panel, given.measures, next(iter(given.regions), None), given.weights, given.tables)
    tables = certify_models(params.specification, data, params.validation, params.seed, snakemake.threads)
    for name, table in tables.items():
        write_csv(table, snakemake.output[name])
    print(tables["summary"].to_string(index=False))
