# Stage 3: from positions and borders to weights matrices.
from ronghe.weights import declaration as weights_declaration

WEIGHTS = list(weights_declaration.entries(config))
COMPARED = config.get("weights_comparison", {}).get("variables", [])


rule build_weights:
    """Build one weights matrix: edges, islands settled, standardised, with a summary."""
    input:
        files=lambda wildcards: weights_declaration.paths(weights_declaration.files(config, wildcards.weights)),
        code=code_of("build_weights"),
    output:
        edges="<results>/weights/{weights}/edges.csv",
        summary="<results>/weights/{weights}/summary.json",
    log:
        "<logs>/weights/build_weights/{weights}.log",
    benchmark:
        "<benchmarks>/weights/build_weights/{weights}.tsv"
    wildcard_constraints:
        weights="|".join(WEIGHTS) or "(?!)",
    conda:
        ENVIRONMENT
    params:
        content=lambda wildcards: checksum_of(
            code_of("build_weights"), weights_declaration.own_files(config, wildcards.weights)
        ),
        entry=lambda wildcards: config["weights"][wildcards.weights],
        files=lambda wildcards: placed(weights_declaration.files(config, wildcards.weights), PLACES),
        spellings=lambda wildcards: weights_declaration.spellings(config, wildcards.weights, DATASET["regions"]),
    script:
        "../scripts/build_weights.py"


rule compare_weights:
    """Set the weights side by side: density, neighbours, spectral radius, correlation of lags."""
    input:
        edges=expand("<results>/weights/{weights}/edges.csv", weights=WEIGHTS),
        summaries=expand("<results>/weights/{weights}/summary.json", weights=WEIGHTS),
        panel=measure.sources(config, COMPARED or ["any"]),
        code=code_of("compare_weights"),
    output:
        comparison="<results>/weights/comparison.csv",
        correlations="<results>/weights/lag_correlations.csv",
    log:
        "<logs>/weights/compare_weights.log",
    benchmark:
        "<benchmarks>/weights/compare_weights.tsv"
    conda:
        ENVIRONMENT
    params:
        content=checksum_of(code_of("compare_weights")),
        variables=COMPARED,
    script:
        "../scripts/compare_weights.py"


rule weights:
    """Stage 3, all of it: from positions and borders to weights matrices."""
    input:
        expand("<results>/weights/{weights}/edges.csv", weights=WEIGHTS),
        rules.compare_weights.output if WEIGHTS else [],
