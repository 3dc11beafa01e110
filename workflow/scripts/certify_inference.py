"""Draw under every design of disturbances, and write which intervals and tests hold on this panel."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    import json
    import sys

    from ronghe.files import write_text
    from ronghe.frames import write_csv
    from ronghe.models.estimate import Data
    from ronghe.models.validation.certificate import certify

    given, params = snakemake.input, snakemake.params
    data = Data.read(given.panel, given.measures, next(iter(given.regions), None), given.weights, given.tables)
    tables, verdict = certify(params.specification, data, params.validation, params.seed, snakemake.threads)
    for name, table in tables.items():
        write_csv(table, snakemake.output[name])
    write_text(snakemake.output.verdict, json.dumps(verdict, indent=2) + "\n")
    # The terminal shows the verdict, the log the methods.
    sys.__stderr__.write(f"certificate: {verdict['verdict']}\n")
    print(tables["summary"].to_string(index=False))
