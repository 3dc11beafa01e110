# Stage 4: from measures and weights to spatial dependence and distribution.
from ronghe.explore import declaration as explore_declaration
from ronghe.measures.bounds import bounds_of


rule describe_distribution:
    """Split inequality over regions by groups, and draw kernel densities by year."""
    input:
        panel=lambda wildcards: explore_declaration.inputs(config, "distribution", wildcards.distribution),
        regions=CLEANED["regions"],
        code=code_of("describe_distribution"),
    output:
        **explore_declaration.tables("distribution"),
    log:
        "<logs>/explore/describe_distribution/{distribution}.log",
    benchmark:
        "<benchmarks>/explore/describe_distribution/{distribution}.tsv"
    wildcard_constraints:
        distribution=measure.pattern(explore_declaration.entries(config, "distribution")),
    conda:
        ENVIRONMENT
    params:
        content=checksum_of(code_of("describe_distribution")),
        entry=lambda wildcards: config["distribution"][wildcards.distribution],
        bounds=lambda wildcards: bounds_of(config, config["distribution"][wildcards.distribution]["variable"]),
    script:
        "../scripts/describe_distribution.py"


rule estimate_convergence:
    """Estimate sigma and beta convergence, with and without controls and neighbours."""
    input:
        panel=lambda wildcards: explore_declaration.inputs(config, "convergence", wildcards.convergence),
        regions=CLEANED["regions"],
        weights=lambda wildcards: explore_declaration.edges(config, "convergence", wildcards.convergence),
        code=code_of("estimate_convergence"),
    output:
        **explore_declaration.tables("convergence"),
    log:
        "<logs>/explore/estimate_convergence/{convergence}.log",
    benchmark:
        "<benchmarks>/explore/estimate_convergence/{convergence}.tsv"
    wildcard_constraints:
        convergence=measure.pattern(explore_declaration.entries(config, "convergence")),
    conda:
        ENVIRONMENT
    params:
        content=checksum_of(code_of("estimate_convergence")),
        entry=lambda wildcards: config["convergence"][wildcards.convergence],
    script:
        "../scripts/estimate_convergence.py"


rule count_transitions:
    """Count moves between classes, plain and by the class of the neighbours."""
    input:
        panel=lambda wildcards: explore_declaration.inputs(config, "transitions", wildcards.transitions),
        weights=lambda wildcards: explore_declaration.edges(config, "transitions", wildcards.transitions),
        code=code_of("count_transitions"),
    output:
        **explore_declaration.tables("transitions"),
    log:
        "<logs>/explore/count_transitions/{transitions}.log",
    benchmark:
        "<benchmarks>/explore/count_transitions/{transitions}.tsv"
    wildcard_constraints:
        transitions=measure.pattern(explore_declaration.entries(config, "transitions")),
    conda:
        ENVIRONMENT
    params:
        content=checksum_of(code_of("count_transitions")),
        entry=lambda wildcards: config["transitions"][wildcards.transitions],
    script:
        "../scripts/count_transitions.py"


rule follow_gravity:
    """Follow the centre of gravity and the standard deviational ellipse."""
    input:
        panel=lambda wildcards: explore_declaration.inputs(config, "gravity", wildcards.gravity),
        regions=CLEANED["regions"],
        code=code_of("follow_gravity"),
    output:
        **explore_declaration.tables("gravity"),
    log:
        "<logs>/explore/follow_gravity/{gravity}.log",
    benchmark:
        "<benchmarks>/explore/follow_gravity/{gravity}.tsv"
    wildcard_constraints:
        gravity=measure.pattern(explore_declaration.entries(config, "gravity")),
    conda:
        ENVIRONMENT
    params:
        content=checksum_of(code_of("follow_gravity")),
        entry=lambda wildcards: config["gravity"][wildcards.gravity],
    script:
        "../scripts/follow_gravity.py"


rule measure_dependence:
    """Test the spatial dependence of variables and of pairs of variables in every year."""
    input:
        panel=lambda wildcards: explore_declaration.inputs(config, "dependence", wildcards.dependence),
        weights=lambda wildcards: explore_declaration.edges(config, "dependence", wildcards.dependence),
        code=code_of("measure_dependence"),
    output:
        **explore_declaration.tables("dependence"),
    log:
        "<logs>/explore/measure_dependence/{dependence}.log",
    benchmark:
        "<benchmarks>/explore/measure_dependence/{dependence}.tsv"
    wildcard_constraints:
        dependence=measure.pattern(explore_declaration.entries(config, "dependence")),
    conda:
        ENVIRONMENT
    params:
        content=checksum_of(code_of("measure_dependence")),
        entry=lambda wildcards: config["dependence"][wildcards.dependence],
        seed=config["seed"],
    script:
        "../scripts/measure_dependence.py"


rule find_clusters:
    """Find local clusters and follow them over the years."""
    input:
        panel=lambda wildcards: explore_declaration.inputs(config, "local_dependence", wildcards.local_dependence),
        weights=lambda wildcards: explore_declaration.edges(config, "local_dependence", wildcards.local_dependence),
        code=code_of("find_clusters"),
    output:
        **explore_declaration.tables("local_dependence"),
    log:
        "<logs>/explore/find_clusters/{local_dependence}.log",
    benchmark:
        "<benchmarks>/explore/find_clusters/{local_dependence}.tsv"
    wildcard_constraints:
        local_dependence=measure.pattern(explore_declaration.entries(config, "local_dependence")),
    conda:
        ENVIRONMENT
    params:
        content=checksum_of(code_of("find_clusters")),
        entry=lambda wildcards: config["local_dependence"][wildcards.local_dependence],
        seed=config["seed"],
    script:
        "../scripts/find_clusters.py"


rule examine_residuals:
    """Test residuals without spatial terms for spatial dependence."""
    input:
        panel=lambda wildcards: explore_declaration.inputs(config, "residual_tests", wildcards.residual_tests),
        weights=lambda wildcards: explore_declaration.edges(config, "residual_tests", wildcards.residual_tests),
        code=code_of("examine_residuals"),
    output:
        **explore_declaration.tables("residual_tests"),
    log:
        "<logs>/explore/examine_residuals/{residual_tests}.log",
    benchmark:
        "<benchmarks>/explore/examine_residuals/{residual_tests}.tsv"
    wildcard_constraints:
        residual_tests=measure.pattern(explore_declaration.entries(config, "residual_tests")),
    conda:
        ENVIRONMENT
    params:
        content=checksum_of(code_of("examine_residuals")),
        entry=lambda wildcards: config["residual_tests"][wildcards.residual_tests],
    script:
        "../scripts/examine_residuals.py"


rule explore:
    """Stage 4, all of it: from measures and weights to spatial dependence and distribution."""
    input:
        explore_declaration.targets(config),
