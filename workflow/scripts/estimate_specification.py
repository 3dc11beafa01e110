"""Estimate one named specification and write its text results."""

from ronghe.journal import journal

with journal(snakemake.log[0]):
    from ronghe.models.estimate import Data, run, save

    given, params = snakemake.input, snakemake.params
    data = Data.read(
        panel=given.panel,
        measures=given.measures,
        regions=next(iter(given.regions), None),
        weights=given.weights,
        tables=given.tables,
        flags=next(iter(given.flags), None),
        seed=params.seed,
    )
    result = run(params.specification, data)
    hashed = {"panel": [given.panel, *given.measures], "code": list(given.code)}
    save(result, dict(snakemake.output.items()), params.specification, data, hashed)
