# Stage 1: from raw tables to one checked panel.

# What building the panel writes: the same tables for every dataset, and one long table per family of sectors.
CLEANED = {
    "panel": "data/processed/panel.parquet",
    **{
        name: f"data/processed/{name}.csv"
        for name in (
            "series",
            "flags",
            "checks",
            "regions",
            "sectors",
            "adjacency",
            "input_output",
            *families(DATASET),
        )
    },
}


rule build_panel:
    """Read the raw tables, check and convert them, treat gaps, derive variables: the panel and its flags."""
    input:
        raw=raw_files(DATASET),
        code=code_of("build_panel"),
    output:
        **CLEANED,
    log:
        "results/logs/clean/build_panel.log",
    benchmark:
        "results/benchmarks/jobs/clean/build_panel.tsv"
    conda:
        ENVIRONMENT
    params:
        dataset=without_words(DATASET),
    script:
        "../scripts/build_panel.py"


rule write_codebook:
    """Describe every variable of the panel: label, unit, source, definition and moments."""
    input:
        panel=CLEANED["panel"],
        flags=CLEANED["flags"],
        code=code_of("write_codebook"),
    output:
        codebook="data/processed/codebook.csv",
    log:
        "results/logs/clean/write_codebook.log",
    benchmark:
        "results/benchmarks/jobs/clean/write_codebook.tsv"
    conda:
        ENVIRONMENT
    params:
        dataset=DATASET,
        labels=config["labels"],
        language=config["language"],
    script:
        "../scripts/write_codebook.py"


if "facts" in DATASET:

    rule recompute_facts:
        """Recompute the growth rates that the literature states from their end points."""
        input:
            facts=fact_files(DATASET),
            code=code_of("recompute_facts"),
        output:
            facts="results/clean/national_facts.csv",
        log:
            "results/logs/clean/recompute_facts.log",
        benchmark:
            "results/benchmarks/jobs/clean/recompute_facts.tsv"
        conda:
            ENVIRONMENT
        params:
            facts=DATASET["facts"],
        script:
            "../scripts/recompute_facts.py"


rule clean:
    """Stage 1, all of it: from raw tables to one checked panel."""
    input:
        rules.build_panel.output,
        rules.write_codebook.output,
        rules.recompute_facts.output if "facts" in DATASET else [],
