# Stage 5: from panel, measures and weights to estimates.
from ronghe.models import declaration as models_declaration

SPECIFICATIONS = models_declaration.specifications(config)


def specification_code(wildcards):
    """The code that a specification rests on: that of its kind, of what it builds on, and what all share."""
    return code_of("estimate_specification", *models_declaration.modules(SPECIFICATIONS[wildcards.spec]))


def usual_results(*further):
    """The files that every kind writes, and the further tables of some."""
    tables = ["coefficients", "covariance", "impacts", "tests", *further]
    return {"fit": "results/models/{spec}/fit.json", **{name: f"results/models/{{spec}}/{name}.csv" for name in tables}}


def writing(table):
    """Pattern of the specifications whose kind writes this further table (None: no further table)."""
    return "|".join(models_declaration.named_with_tables(config, table)) or "(?!)"


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
        **usual_results(),
    log:
        "results/logs/models/estimate_specification/{spec}.log",
    benchmark:
        "results/benchmarks/jobs/models/estimate_specification/{spec}.tsv"
    wildcard_constraints:
        spec=writing(None),
    params:
        specification=lambda wildcards: SPECIFICATIONS[wildcards.spec],
        seed=lookup("seed", within=config),
    script:
        "../scripts/estimate_specification.py"


use rule estimate_specification as estimate_with_instruments with:
    output:
        **usual_results("first_stage", "anderson_rubin"),
    wildcard_constraints:
        spec=writing("first_stage"),


use rule estimate_specification as estimate_threshold with:
    output:
        **usual_results("thresholds", "likelihood_ratio"),
    wildcard_constraints:
        spec=writing("thresholds"),


use rule estimate_specification as estimate_mediation with:
    output:
        **usual_results("paths"),
    wildcard_constraints:
        spec=writing("paths"),


use rule estimate_specification as estimate_moderation with:
    output:
        **usual_results("marginal_effects"),
    wildcard_constraints:
        spec=writing("marginal_effects"),


use rule estimate_specification as estimate_family with:
    output:
        **usual_results("family"),
    wildcard_constraints:
        spec=writing("family"),


use rule estimate_specification as leave_one_out with:
    output:
        **usual_results("influence"),
    wildcard_constraints:
        spec=writing("influence"),


use rule estimate_specification as estimate_placebo with:
    output:
        **usual_results("draws"),
    wildcard_constraints:
        spec=writing("draws"),


use rule estimate_specification as test_unit_roots with:
    output:
        **usual_results("unit_roots"),
    wildcard_constraints:
        spec=writing("unit_roots"),


use rule estimate_specification as diagnose_specification with:
    output:
        **usual_results("collinearity", "correlations"),
    wildcard_constraints:
        spec=writing("collinearity"),


use rule estimate_specification as identify_model with:
    output:
        **usual_results("identification"),
    wildcard_constraints:
        spec=writing("identification"),


use rule estimate_specification as compare_weights_matrices with:
    output:
        **usual_results("weights", "models"),
    wildcard_constraints:
        spec=writing("weights"),


use rule estimate_specification as estimate_quantiles with:
    output:
        **usual_results("quantiles"),
    wildcard_constraints:
        spec=writing("quantiles"),


if config.get("validation", {}).get("of") in SPECIFICATIONS:
    VALIDATED = SPECIFICATIONS[config["validation"]["of"]]

    rule validate_estimators:
        """Draw from a fitted specification and see how the estimators and tests do: bias, coverage, size."""
        input:
            panel="data/processed/panel.parquet",
            measures=expand("results/measures/{name}/panel.csv", name=models_declaration.measures(VALIDATED)),
            weights=expand("results/weights/{name}/edges.csv", name=models_declaration.weights(VALIDATED)),
            tables=expand("data/processed/{name}.csv", name=models_declaration.long_tables(VALIDATED)),
            regions=["data/processed/regions.csv"] if models_declaration.needs_regions(VALIDATED) else [],
            code=code_of("validate_estimators"),
        output:
            estimators="results/models/validation/estimators.csv",
            tests="results/models/validation/tests.csv",
        log:
            "results/logs/models/validate_estimators.log",
        benchmark:
            "results/benchmarks/jobs/models/validate_estimators.tsv"
        threads: workflow.cores
        params:
            specification=VALIDATED,
            validation=lookup("validation", within=config),
            seed=lookup("seed", within=config),
        script:
            "../scripts/validate_estimators.py"

    rule validate:
        """The estimators on data whose truth is known; not part of the default run."""
        input:
            rules.validate_estimators.output,


if config.get("package_comparison"):

    rule compare_packages:
        """What other packages print for a published panel, beside our own numbers."""
        input:
            figures=config["package_comparison"]["figures"],
            neighbors=config["package_comparison"]["neighbors"],
            code=code_of("compare_packages"),
        output:
            "results/models/packages/comparison.csv",
        log:
            "results/logs/models/compare_packages.log",
        benchmark:
            "results/benchmarks/jobs/models/compare_packages.tsv"
        script:
            "../scripts/compare_packages.py"


rule models:
    """Stage 5, all of it: from panel, measures and weights to estimates."""
    input:
        expand("results/models/{spec}/coefficients.csv", spec=SPECIFICATIONS),
        "results/models/packages/comparison.csv" if config.get("package_comparison") else [],
