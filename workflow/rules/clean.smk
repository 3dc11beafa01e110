# Stage 1: from raw tables to one checked panel.
from functools import partial

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


# The pattern of the names of the files of microdata of a kind.
named_microdata = partial(microdata.name_pattern, DATASET)


rule aggregate_plants:
    """Sum up plants by region, sector and year, out of core; every row counts, or is recorded under its fault."""
    input:
        raw=lambda wildcards: microdata.sources(DATASET, wildcards.microdata),
        code=code_of("aggregate_plants"),
    output:
        **microdata.outputs("{microdata}", "plants"),
    log:
        "<logs>/clean/aggregate_plants/{microdata}.log",
    benchmark:
        "<benchmarks>/clean/aggregate_plants/{microdata}.tsv"
    wildcard_constraints:
        microdata=named_microdata("plants"),
    conda:
        ENVIRONMENT
    threads: 2
    resources:
        mem_mb=6000,
    params:
        # A large file is not read to see whether it changed: its time stamp and the file of checksums say so.
        content=lambda wildcards: checksum_of(
            code_of("aggregate_plants"), microdata.sources(DATASET, wildcards.microdata)[1:]
        ),
        dataset=lambda wildcards: microdata.what_counts(DATASET, wildcards.microdata),
        scratch=lambda wildcards: f"{PLACES['results']}/scratch/{wildcards.microdata}",
    script:
        "../scripts/aggregate_plants.py"


rule aggregate_patents:
    """Count patents by technology class, region, sector and year, out of core."""
    input:
        raw=lambda wildcards: microdata.sources(DATASET, wildcards.microdata),
        code=code_of("aggregate_patents"),
    output:
        **microdata.outputs("{microdata}", "patents"),
    log:
        "<logs>/clean/aggregate_patents/{microdata}.log",
    benchmark:
        "<benchmarks>/clean/aggregate_patents/{microdata}.tsv"
    wildcard_constraints:
        microdata=named_microdata("patents"),
    conda:
        ENVIRONMENT
    threads: 2
    resources:
        mem_mb=6000,
    params:
        # A large file is not read to see whether it changed: its time stamp and the file of checksums say so.
        content=lambda wildcards: checksum_of(
            code_of("aggregate_patents"), microdata.sources(DATASET, wildcards.microdata)[1:]
        ),
        dataset=lambda wildcards: microdata.what_counts(DATASET, wildcards.microdata),
        scratch=lambda wildcards: f"{PLACES['results']}/scratch/{wildcards.microdata}",
    script:
        "../scripts/aggregate_patents.py"


rule build_panel:
    """Read the raw tables, check and convert them, treat gaps, derive variables: the panel and its flags."""
    input:
        raw=raw_files(DATASET),
        cells=microdata.used_cells(DATASET),
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
        dataset=brief(without_words(DATASET)),
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
        microdata.targets(DATASET),
        rules.write_codebook.output,
        rules.recompute_facts.output if "facts" in DATASET else [],
