# Stage 4: from measures and weights to spatial dependence and distribution.
from ronghe.explore import description


def described(section):
    """Pattern of the names that a section of the configuration declares."""
    return measure.pattern(description.entries(config, section))


rule describe_distribution:
    """Split inequality over regions by groups, and draw kernel densities by year."""
    input:
        panel=lambda wildcards: description.inputs(config, "distribution", wildcards.distribution),
        regions=CLEANED["regions"],
        code=code_of("describe_distribution"),
    output:
        **description.tables("distribution"),
    log:
        "results/logs/explore/describe_distribution/{distribution}.log",
    benchmark:
        "results/benchmarks/jobs/explore/describe_distribution/{distribution}.tsv"
    wildcard_constraints:
        distribution=described("distribution"),
    params:
        entry=lookup("distribution/{distribution}", within=config),
    script:
        "../scripts/describe_distribution.py"


rule estimate_convergence:
    """Estimate sigma and beta convergence, with and without controls and neighbours."""
    input:
        panel=lambda wildcards: description.inputs(config, "convergence", wildcards.convergence),
        regions=CLEANED["regions"],
        weights=lambda wildcards: description.edges(config, "convergence", wildcards.convergence),
        code=code_of("estimate_convergence"),
    output:
        **description.tables("convergence"),
    log:
        "results/logs/explore/estimate_convergence/{convergence}.log",
    benchmark:
        "results/benchmarks/jobs/explore/estimate_convergence/{convergence}.tsv"
    wildcard_constraints:
        convergence=described("convergence"),
    params:
        entry=lookup("convergence/{convergence}", within=config),
    script:
        "../scripts/estimate_convergence.py"


rule count_transitions:
    """Count moves between classes, plain and by the class of the neighbours."""
    input:
        panel=lambda wildcards: description.inputs(config, "transitions", wildcards.transitions),
        weights=lambda wildcards: description.edges(config, "transitions", wildcards.transitions),
        code=code_of("count_transitions"),
    output:
        **description.tables("transitions"),
    log:
        "results/logs/explore/count_transitions/{transitions}.log",
    benchmark:
        "results/benchmarks/jobs/explore/count_transitions/{transitions}.tsv"
    wildcard_constraints:
        transitions=described("transitions"),
    params:
        entry=lookup("transitions/{transitions}", within=config),
    script:
        "../scripts/count_transitions.py"


rule follow_gravity:
    """Follow the centre of gravity and the standard deviational ellipse."""
    input:
        panel=lambda wildcards: description.inputs(config, "gravity", wildcards.gravity),
        regions=CLEANED["regions"],
        code=code_of("follow_gravity"),
    output:
        **description.tables("gravity"),
    log:
        "results/logs/explore/follow_gravity/{gravity}.log",
    benchmark:
        "results/benchmarks/jobs/explore/follow_gravity/{gravity}.tsv"
    wildcard_constraints:
        gravity=described("gravity"),
    params:
        entry=lookup("gravity/{gravity}", within=config),
    script:
        "../scripts/follow_gravity.py"


rule explore:
    """Stage 4, all of it: from measures and weights to spatial dependence and distribution."""
    input:
        description.targets(config),
