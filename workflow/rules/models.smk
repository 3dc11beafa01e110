# Stage 5: from panel, measures and weights to estimates.
from ronghe.models import declaration as models_declaration

SPECIFICATIONS = models_declaration.specifications(config)


def specification_code(wildcards):
    """The code that a specification rests on: that of its kind, of what it builds on, and what all share."""
    return source_files("ronghe.models.estimate", *models_declaration.modules(SPECIFICATIONS[wildcards.spec]))


rule estimate_specification:
    """Estimate one named specification."""
    input:
        panel="data/processed/panel.parquet",
        measures=lambda wildcards: expand(
            "results/measures/{name}/panel.csv",
            name=models_declaration.measures(SPECIFICATIONS[wildcards.spec]),
        ),
        weights=lambda wildcards: expand(
            "results/weights/{name}/edges.csv",
            name=models_declaration.weights(SPECIFICATIONS[wildcards.spec]),
        ),
        tables=lambda wildcards: expand(
            "data/processed/{name}.csv",
            name=models_declaration.long_tables(SPECIFICATIONS[wildcards.spec]),
        ),
        regions=lambda wildcards: (
            ["data/processed/regions.csv"] if models_declaration.needs_regions(SPECIFICATIONS[wildcards.spec]) else []
        ),
        flags=lambda wildcards: (
            ["data/processed/flags.csv"] if models_declaration.needs_flags(SPECIFICATIONS[wildcards.spec]) else []
        ),
        code=specification_code,
    output:
        coefficients="results/models/{spec}/coefficients.csv",
        covariance="results/models/{spec}/covariance.csv",
        impacts="results/models/{spec}/impacts.csv",
        tests="results/models/{spec}/tests.csv",
        fit="results/models/{spec}/fit.json",
    log:
        "results/logs/models/estimate_specification/{spec}.log",
    benchmark:
        "results/benchmarks/jobs/models/estimate_specification/{spec}.tsv"
    wildcard_constraints:
        spec="|".join(models_declaration.named_with_tables(config, None)) or "(?!)",
    params:
        specification=lambda wildcards: SPECIFICATIONS[wildcards.spec],
        seed=lookup("seed", within=config),
    script:
        "../scripts/estimate_specification.py"


rule models:
    """Stage 5, all of it: from panel, measures and weights to estimates."""
    input:
        expand("results/models/{spec}/coefficients.csv", spec=SPECIFICATIONS),
