# Stage 5: from panel, measures and weights to estimates.
from ronghe.models import declaration as models_declaration

SPECIFICATIONS = models_declaration.specifications(config)


rule estimate_specification:
    """Estimate one named specification."""
    input:
        unpack(lambda wildcards: models_declaration.inputs(SPECIFICATIONS[wildcards.spec])),
        code=lambda wildcards: code_of(
            "estimate_specification", *models_declaration.modules(SPECIFICATIONS[wildcards.spec])
        ),
    output:
        **models_declaration.outputs(),
    log:
        "results/logs/models/estimate_specification/{spec}.log",
    benchmark:
        "results/benchmarks/jobs/models/estimate_specification/{spec}.tsv"
    wildcard_constraints:
        spec=models_declaration.pattern(config),
    conda:
        ENVIRONMENT
    params:
        specification=lambda wildcards: SPECIFICATIONS[wildcards.spec],
        seed=config["seed"],
    script:
        "../scripts/estimate_specification.py"


use rule estimate_specification as estimate_with_instruments with:
    output:
        **models_declaration.outputs("first_stage", "anderson_rubin"),
    wildcard_constraints:
        spec=models_declaration.pattern(config, "first_stage"),


use rule estimate_specification as estimate_threshold with:
    output:
        **models_declaration.outputs("thresholds", "likelihood_ratio"),
    wildcard_constraints:
        spec=models_declaration.pattern(config, "thresholds"),


use rule estimate_specification as estimate_mediation with:
    output:
        **models_declaration.outputs("paths"),
    wildcard_constraints:
        spec=models_declaration.pattern(config, "paths"),


use rule estimate_specification as estimate_moderation with:
    output:
        **models_declaration.outputs("marginal_effects"),
    wildcard_constraints:
        spec=models_declaration.pattern(config, "marginal_effects"),


use rule estimate_specification as estimate_family with:
    output:
        **models_declaration.outputs("family"),
    wildcard_constraints:
        spec=models_declaration.pattern(config, "family"),


use rule estimate_specification as leave_one_out with:
    output:
        **models_declaration.outputs("influence"),
    wildcard_constraints:
        spec=models_declaration.pattern(config, "influence"),


use rule estimate_specification as estimate_placebo with:
    output:
        **models_declaration.outputs("draws"),
    wildcard_constraints:
        spec=models_declaration.pattern(config, "draws"),


use rule estimate_specification as test_unit_roots with:
    output:
        **models_declaration.outputs("unit_roots"),
    wildcard_constraints:
        spec=models_declaration.pattern(config, "unit_roots"),


use rule estimate_specification as diagnose_specification with:
    output:
        **models_declaration.outputs("collinearity", "correlations"),
    wildcard_constraints:
        spec=models_declaration.pattern(config, "collinearity"),


use rule estimate_specification as identify_model with:
    output:
        **models_declaration.outputs("identification"),
    wildcard_constraints:
        spec=models_declaration.pattern(config, "identification"),


use rule estimate_specification as compare_weights_matrices with:
    output:
        **models_declaration.outputs("weights", "models"),
    wildcard_constraints:
        spec=models_declaration.pattern(config, "weights"),


use rule estimate_specification as estimate_quantiles with:
    output:
        **models_declaration.outputs("quantiles"),
    wildcard_constraints:
        spec=models_declaration.pattern(config, "quantiles"),


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
        conda:
            ENVIRONMENT
        threads: workflow.cores
        params:
            specification=VALIDATED,
            validation=config["validation"],
            seed=config["seed"],
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
        conda:
            ENVIRONMENT
        script:
            "../scripts/compare_packages.py"


rule models:
    """Stage 5, all of it: from panel, measures and weights to estimates."""
    input:
        expand("results/models/{spec}/coefficients.csv", spec=SPECIFICATIONS),
        "results/models/packages/comparison.csv" if config.get("package_comparison") else [],
