# Stage 1: from raw tables to one checked panel.

# What building the panel writes: the same tables for every dataset, and one long table per family of sectors.
CLEANED = {
    "panel": "<processed>/panel.parquet",
    **{
        name: f"<processed>/{name}.csv"
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
        "<logs>/clean/build_panel.log",
    benchmark:
        "<benchmarks>/clean/build_panel.tsv"
    conda:
        ENVIRONMENT
    params:
        content=checksum_of(code_of("build_panel"), raw_files(DATASET)),
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
        codebook="<processed>/codebook.csv",
    log:
        "<logs>/clean/write_codebook.log",
    benchmark:
        "<benchmarks>/clean/write_codebook.tsv"
    conda:
        ENVIRONMENT
    params:
        content=checksum_of(code_of("write_codebook")),
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
            facts="<results>/clean/national_facts.csv",
        log:
            "<logs>/clean/recompute_facts.log",
        benchmark:
            "<benchmarks>/clean/recompute_facts.tsv"
        conda:
            ENVIRONMENT
        params:
            content=checksum_of(code_of("recompute_facts"), fact_files(DATASET)),
            facts=DATASET["facts"],
        script:
            "../scripts/recompute_facts.py"


rule clean:
    """Stage 1, all of it: from raw tables to one checked panel."""
    input:
        rules.build_panel.output,
        rules.write_codebook.output,
        rules.recompute_facts.output if "facts" in DATASET else [],
