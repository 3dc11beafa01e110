# Stage 2: from the panel to indices.
from ronghe.measures import declaration as measure


def measure_inputs(wildcards):
    """Files with the variables that the measure of the wildcard uses, and no others."""
    return measure.inputs(config, wildcards.measure)


def measure_names(*kinds):
    """Pattern of the names of these kinds."""
    return measure.pattern(measure.entries(config, *kinds))


rule build_index:
    """Weigh the indicators of a system and add them up."""
    input:
        panel=measure_inputs,
        code=source_files("ronghe.measures.composite", "ronghe.measures.tables"),
    output:
        panel="results/measures/{measure}/panel.csv",
        weights="results/measures/{measure}/weights.csv",
        scores="results/measures/{measure}/scores.csv",
        contributions="results/measures/{measure}/contributions.csv",
        intervals="results/measures/{measure}/intervals.csv",
    log:
        "results/logs/measures/build_index/{measure}.log",
    benchmark:
        "results/benchmarks/jobs/measures/build_index/{measure}.tsv"
    wildcard_constraints:
        measure=measure_names("index"),
    params:
        entry=lookup("measures/{measure}", within=config),
        seed=config["seed"],
    script:
        "../scripts/build_index.py"


rule compute_coagglomeration:
    """Compare the location quotients of an industry and its partners."""
    input:
        panel=measure_inputs,
        code=source_files("ronghe.measures.agglomeration", "ronghe.measures.tables"),
    output:
        panel="results/measures/{measure}/panel.csv",
    log:
        "results/logs/measures/compute_coagglomeration/{measure}.log",
    benchmark:
        "results/benchmarks/jobs/measures/compute_coagglomeration/{measure}.tsv"
    wildcard_constraints:
        measure=measure_names("coagglomeration"),
    params:
        entry=lookup("measures/{measure}", within=config),
    script:
        "../scripts/compute_coagglomeration.py"


rule measures:
    """Stage 2, all of it: from the panel to indices."""
    input:
        measure.targets(config),
