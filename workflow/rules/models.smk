# Stage 5: from panel, measures and weights to estimates.
from ronghe.models import declaration as models_declaration

SPECIFICATIONS = brief(models_declaration.specifications(config))


# One rule for each kind of specification that the configuration names; `estimate_threshold` runs estimators/threshold.py.
for KIND, about in models_declaration.kinds_used(config).items():

    rule:
        name:
            f"estimate_{KIND}"
        input:
            unpack(lambda wildcards: models_declaration.inputs(SPECIFICATIONS[wildcards.spec])),
            code=code_of_specification,
        output:
            **models_declaration.outputs(KIND),
        log:
            f"<logs>/models/estimate_{KIND}/{{spec}}.log",
        benchmark:
            f"<benchmarks>/models/estimate_{KIND}/{{spec}}.tsv"
        wildcard_constraints:
            spec=models_declaration.pattern(config, KIND),
        conda:
            ENVIRONMENT
        params:
            content=lambda wildcards: checksum_of(code_of_specification(wildcards)),
            specification=lambda wildcards: SPECIFICATIONS[wildcards.spec],
            seed=config["seed"],
        script:
            "../scripts/estimate_specification.py"

    # What `snakemake --list-rules` prints; a docstring cannot hold a name.
    workflow.get_rule(f"estimate_{KIND}").docstring = about


if config.get("validation", {}).get("of") in SPECIFICATIONS:
    VALIDATED = SPECIFICATIONS[config["validation"]["of"]]

    rule validate_estimators:
        """Draw from a fitted specification and see how the estimators and tests do: bias, coverage, size."""
        input:
            panel="<processed>/panel.parquet",
            measures=expand("<results>/measures/{name}/panel.csv", name=models_declaration.measures(VALIDATED)),
            weights=expand("<results>/weights/{name}/edges.csv", name=models_declaration.weights(VALIDATED)),
            tables=expand("<processed>/{name}.csv", name=models_declaration.long_tables(VALIDATED)),
            regions=["<processed>/regions.csv"] if models_declaration.needs_regions(VALIDATED) else [],
            code=code_of("validate_estimators"),
        output:
            estimators="<results>/models/validation/estimators.csv",
            tests="<results>/models/validation/tests.csv",
        log:
            "<logs>/models/validate_estimators.log",
        benchmark:
            "<benchmarks>/models/validate_estimators.tsv"
        conda:
            ENVIRONMENT
        params:
            content=checksum_of(code_of("validate_estimators")),
            specification=VALIDATED,
            validation=config["validation"],
            seed=config["seed"],
        script:
            "../scripts/validate_estimators.py"

    rule certify_inference:
        """See which intervals cover and which tests keep their size on this panel, its weights and its years."""
        input:
            panel="<processed>/panel.parquet",
            measures=expand("<results>/measures/{name}/panel.csv", name=models_declaration.measures(VALIDATED)),
            weights=expand("<results>/weights/{name}/edges.csv", name=models_declaration.weights(VALIDATED)),
            tables=expand("<processed>/{name}.csv", name=models_declaration.long_tables(VALIDATED)),
            regions=["<processed>/regions.csv"] if models_declaration.needs_regions(VALIDATED) else [],
            code=code_of("certify_inference"),
        output:
            intervals="<results>/models/validation/intervals.csv",
            sizes="<results>/models/validation/sizes.csv",
            largest_sizes="<results>/models/validation/largest_sizes.csv",
            summary="<results>/models/validation/summary.csv",
            choice="<results>/models/validation/choice.csv",
            verdict="<results>/models/validation/verdict.json",
        log:
            "<logs>/models/certify_inference.log",
        benchmark:
            "<benchmarks>/models/certify_inference.tsv"
        conda:
            ENVIRONMENT
        threads: workflow.cores
        params:
            content=checksum_of(code_of("certify_inference")),
            specification=VALIDATED,
            validation=config["validation"],
            seed=config["seed"],
        script:
            "../scripts/certify_inference.py"

    rule certify_models:
        """See which intervals of the error models cover, and whether LM and Hausman tests keep their size (minutes)."""
        input:
            panel="<processed>/panel.parquet",
            measures=expand("<results>/measures/{name}/panel.csv", name=models_declaration.measures(VALIDATED)),
            weights=expand("<results>/weights/{name}/edges.csv", name=models_declaration.weights(VALIDATED)),
            tables=expand("<processed>/{name}.csv", name=models_declaration.long_tables(VALIDATED)),
            regions=["<processed>/regions.csv"] if models_declaration.needs_regions(VALIDATED) else [],
            code=code_of("certify_models"),
        output:
            intervals="<results>/models/validation/error_models/intervals.csv",
            summary="<results>/models/validation/error_models/summary.csv",
            residual_sizes="<results>/models/validation/error_models/residual_sizes.csv",
        log:
            "<logs>/models/certify_models.log",
        benchmark:
            "<benchmarks>/models/certify_models.tsv"
        conda:
            ENVIRONMENT
        threads: workflow.cores
        params:
            content=checksum_of(code_of("certify_models")),
            specification=VALIDATED,
            validation=config["validation"],
            seed=config["seed"],
        script:
            "../scripts/certify_models.py"

    rule certify_all:
        """Every certificate, those that take minutes too; not in the default run."""
        input:
            rules.certify_inference.output,
            rules.certify_models.output,

    rule validate:
        """Estimators, intervals and tests on data whose truth is known, made from this panel."""
        input:
            rules.validate_estimators.output,
            rules.certify_inference.output,


if config.get("package_comparison"):

    rule compare_packages:
        """What other packages print for a published panel, beside our own numbers."""
        input:
            figures=config["package_comparison"]["figures"],
            neighbors=config["package_comparison"]["neighbors"],
            code=code_of("compare_packages"),
        output:
            "<results>/models/packages/comparison.csv",
        log:
            "<logs>/models/compare_packages.log",
        benchmark:
            "<benchmarks>/models/compare_packages.tsv"
        conda:
            ENVIRONMENT
        params:
            content=checksum_of(
                code_of("compare_packages"), [config["package_comparison"][key] for key in ("figures", "neighbors")]
            ),
        script:
            "../scripts/compare_packages.py"


rule models:
    """Stage 5, all of it: from panel, measures and weights to estimates."""
    input:
        expand("<results>/models/{spec}/coefficients.csv", spec=SPECIFICATIONS),
        rules.validate.input if config.get("validation", {}).get("of") in SPECIFICATIONS else [],
        "<results>/models/packages/comparison.csv" if config.get("package_comparison") else [],
