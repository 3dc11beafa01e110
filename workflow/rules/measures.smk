# Stage 2: from the panel to indices.
from functools import partial

from ronghe.measures import declaration as measure

# Files with the variables that the measure of the wildcard uses, and no others; and the names of measures by kind.
measure_inputs = partial(measure.wildcard_inputs, config)
measure_file = partial(measure.wildcard_file, config)
measure_names = partial(measure.kind_pattern, config)


rule build_index:
    """Weigh the indicators of a system and add them up."""
    input:
        panel=measure_inputs,
        code=code_of("build_index"),
    output:
        **measure.outputs("index"),
    log:
        "<logs>/measures/build_index/{measure}.log",
    benchmark:
        "<benchmarks>/measures/build_index/{measure}.tsv"
    wildcard_constraints:
        measure=measure_names("index"),
    conda:
        ENVIRONMENT
    params:
        content=checksum_of(code_of("build_index")),
        entry=lambda wildcards: config["measures"][wildcards.measure],
        seed=config["seed"],
    script:
        "../scripts/build_index.py"


rule compare_weightings:
    """Compare the ranks that several weightings of one system give."""
    input:
        panel=measure_inputs,
        code=code_of("compare_weightings"),
    output:
        **measure.outputs("weighting_comparison"),
    log:
        "<logs>/measures/compare_weightings/{measure}.log",
    benchmark:
        "<benchmarks>/measures/compare_weightings/{measure}.tsv"
    wildcard_constraints:
        measure=measure_names("weighting_comparison"),
    conda:
        ENVIRONMENT
    params:
        content=checksum_of(code_of("compare_weightings")),
        entry=lambda wildcards: config["measures"][wildcards.measure],
    script:
        "../scripts/compare_weightings.py"


rule couple_systems:
    """Couple subsystems: degree, development, coordination, obstacles."""
    input:
        panel=measure_inputs,
        weights=lambda w: measure.tables_of(measure.systems(config, w.measure).values(), "weights.csv"),
        scores=lambda w: measure.tables_of(measure.systems(config, w.measure).values(), "scores.csv"),
        code=code_of("couple_systems"),
    output:
        **measure.outputs("coupling"),
    log:
        "<logs>/measures/couple_systems/{measure}.log",
    benchmark:
        "<benchmarks>/measures/couple_systems/{measure}.tsv"
    wildcard_constraints:
        measure=measure_names("coupling"),
    conda:
        ENVIRONMENT
    params:
        content=checksum_of(code_of("couple_systems")),
        entry=lambda wildcards: config["measures"][wildcards.measure],
        systems=lambda w: measure.systems(config, w.measure),
    script:
        "../scripts/couple_systems.py"


rule compare_pairs:
    """Put couplings side by side by year and group of regions."""
    input:
        panel=measure_inputs,
        states=lambda w: measure.tables_of(config["measures"][w.measure]["couplings"], "states.csv"),
        regions="<processed>/regions.csv",
        code=code_of("compare_pairs"),
    output:
        **measure.outputs("pair_comparison"),
    log:
        "<logs>/measures/compare_pairs/{measure}.log",
    benchmark:
        "<benchmarks>/measures/compare_pairs/{measure}.tsv"
    wildcard_constraints:
        measure=measure_names("pair_comparison"),
    conda:
        ENVIRONMENT
    params:
        content=checksum_of(code_of("compare_pairs")),
        entry=lambda wildcards: config["measures"][wildcards.measure],
    script:
        "../scripts/compare_pairs.py"


rule relate_systems:
    """Relate the indicators of two systems by grey relational grades."""
    input:
        first=lambda w: measure.tables_of([config["measures"][w.measure]["first"]], "scores.csv"),
        second=lambda w: measure.tables_of([config["measures"][w.measure]["second"]], "scores.csv"),
        code=code_of("relate_systems"),
    output:
        **measure.outputs("grey_relation"),
    log:
        "<logs>/measures/relate_systems/{measure}.log",
    benchmark:
        "<benchmarks>/measures/relate_systems/{measure}.tsv"
    wildcard_constraints:
        measure=measure_names("grey_relation"),
    conda:
        ENVIRONMENT
    params:
        content=checksum_of(code_of("relate_systems")),
        entry=lambda wildcards: config["measures"][wildcards.measure],
    script:
        "../scripts/relate_systems.py"


rule measure_synergy:
    """Measure how subsystems rise or fall together since a base year."""
    input:
        panel=measure_inputs,
        code=code_of("measure_synergy"),
    output:
        **measure.outputs("synergy"),
    log:
        "<logs>/measures/measure_synergy/{measure}.log",
    benchmark:
        "<benchmarks>/measures/measure_synergy/{measure}.tsv"
    wildcard_constraints:
        measure=measure_names("synergy"),
    conda:
        ENVIRONMENT
    params:
        content=checksum_of(code_of("measure_synergy")),
        entry=lambda wildcards: config["measures"][wildcards.measure],
    script:
        "../scripts/measure_synergy.py"


rule compute_location_quotients:
    """Compare each sector's share in a region with its share in all regions."""
    input:
        panel=measure_inputs,
        code=code_of("compute_location_quotients"),
    output:
        **measure.outputs("location_quotient"),
    log:
        "<logs>/measures/compute_location_quotients/{measure}.log",
    benchmark:
        "<benchmarks>/measures/compute_location_quotients/{measure}.tsv"
    wildcard_constraints:
        measure=measure_names("location_quotient"),
    conda:
        ENVIRONMENT
    params:
        content=checksum_of(code_of("compute_location_quotients")),
        entry=lambda wildcards: config["measures"][wildcards.measure],
    script:
        "../scripts/compute_location_quotients.py"


rule compute_coagglomeration:
    """Compare the location quotients of an industry and its partners."""
    input:
        panel=measure_inputs,
        code=code_of("compute_coagglomeration"),
    output:
        **measure.outputs("coagglomeration"),
    log:
        "<logs>/measures/compute_coagglomeration/{measure}.log",
    benchmark:
        "<benchmarks>/measures/compute_coagglomeration/{measure}.tsv"
    wildcard_constraints:
        measure=measure_names("coagglomeration"),
    conda:
        ENVIRONMENT
    params:
        content=checksum_of(code_of("compute_coagglomeration")),
        entry=lambda wildcards: config["measures"][wildcards.measure],
    script:
        "../scripts/compute_coagglomeration.py"


rule pair_sectors:
    """Measure how far every two sectors share their places."""
    input:
        panel=measure_inputs,
        code=code_of("pair_sectors"),
    output:
        **measure.outputs("sector_pairs"),
    log:
        "<logs>/measures/pair_sectors/{measure}.log",
    benchmark:
        "<benchmarks>/measures/pair_sectors/{measure}.tsv"
    wildcard_constraints:
        measure=measure_names("sector_pairs"),
    conda:
        ENVIRONMENT
    params:
        content=checksum_of(code_of("pair_sectors")),
        entry=lambda wildcards: config["measures"][wildcards.measure],
    script:
        "../scripts/pair_sectors.py"


rule describe_structure:
    """Measure how specialised and how varied the sectors of a region are."""
    input:
        panel=measure_inputs,
        code=code_of("describe_structure"),
    output:
        **measure.outputs("structure"),
    log:
        "<logs>/measures/describe_structure/{measure}.log",
    benchmark:
        "<benchmarks>/measures/describe_structure/{measure}.tsv"
    wildcard_constraints:
        measure=measure_names("structure"),
    conda:
        ENVIRONMENT
    params:
        content=checksum_of(code_of("describe_structure")),
        entry=lambda wildcards: config["measures"][wildcards.measure],
    script:
        "../scripts/describe_structure.py"


rule measure_concentration:
    """Measure how concentrated in space each sector is."""
    input:
        panel=measure_inputs,
        code=code_of("measure_concentration"),
    output:
        **measure.outputs("concentration"),
    log:
        "<logs>/measures/measure_concentration/{measure}.log",
    benchmark:
        "<benchmarks>/measures/measure_concentration/{measure}.tsv"
    wildcard_constraints:
        measure=measure_names("concentration"),
    conda:
        ENVIRONMENT
    params:
        content=checksum_of(code_of("measure_concentration")),
        entry=lambda wildcards: config["measures"][wildcards.measure],
    script:
        "../scripts/measure_concentration.py"


rule measure_plants:
    """Measure the concentration of industries net of the lumpiness of plants."""
    input:
        plants=measure_file,
        code=code_of("measure_plants"),
    output:
        **measure.outputs("plant_concentration"),
    log:
        "<logs>/measures/measure_plants/{measure}.log",
    benchmark:
        "<benchmarks>/measures/measure_plants/{measure}.tsv"
    wildcard_constraints:
        measure=measure_names("plant_concentration"),
    conda:
        ENVIRONMENT
    params:
        content=checksum_of(code_of("measure_plants")),
        entry=lambda wildcards: config["measures"][wildcards.measure],
    script:
        "../scripts/measure_plants.py"


rule locate_plants:
    """Hold the distances between plants of one or two industries against simulated locations."""
    input:
        points=measure_file,
        code=code_of("locate_plants"),
    output:
        **measure.outputs("plant_locations"),
    log:
        "<logs>/measures/locate_plants/{measure}.log",
    benchmark:
        "<benchmarks>/measures/locate_plants/{measure}.tsv"
    wildcard_constraints:
        measure=measure_names("plant_locations"),
    conda:
        ENVIRONMENT
    threads: 2
    params:
        content=checksum_of(code_of("locate_plants")),
        entry=lambda wildcards: config["measures"][wildcards.measure],
        seed=config["seed"],
    script:
        "../scripts/locate_plants.py"


rule trace_linkage:
    """Trace services in manufacturing and manufacturing in services through input-output tables."""
    input:
        table=CLEANED["input_output"],
        code=code_of("trace_linkage"),
    output:
        **measure.outputs("linkage"),
    log:
        "<logs>/measures/trace_linkage/{measure}.log",
    benchmark:
        "<benchmarks>/measures/trace_linkage/{measure}.tsv"
    wildcard_constraints:
        measure=measure_names("linkage"),
    conda:
        ENVIRONMENT
    params:
        content=checksum_of(code_of("trace_linkage")),
        entry=lambda wildcards: config["measures"][wildcards.measure],
    script:
        "../scripts/trace_linkage.py"


rule trace_value_chains:
    """Trace value added of sectors through the exports of all countries."""
    input:
        flows=lambda wildcards: config["measures"][wildcards.measure]["flows"],
        final=lambda wildcards: config["measures"][wildcards.measure]["final"],
        code=code_of("trace_value_chains"),
    output:
        **measure.outputs("value_chain"),
    log:
        "<logs>/measures/trace_value_chains/{measure}.log",
    benchmark:
        "<benchmarks>/measures/trace_value_chains/{measure}.tsv"
    wildcard_constraints:
        measure=measure_names("value_chain"),
    conda:
        ENVIRONMENT
    params:
        content=checksum_of(code_of("trace_value_chains")),
        entry=lambda wildcards: config["measures"][wildcards.measure],
    script:
        "../scripts/trace_value_chains.py"


rule compare_technologies:
    """Compare the patents of two industries over technology classes."""
    input:
        counts=measure_file,
        code=code_of("compare_technologies"),
    output:
        **measure.outputs("technology_convergence"),
    log:
        "<logs>/measures/compare_technologies/{measure}.log",
    benchmark:
        "<benchmarks>/measures/compare_technologies/{measure}.tsv"
    wildcard_constraints:
        measure=measure_names("technology_convergence"),
    conda:
        ENVIRONMENT
    params:
        content=lambda w: checksum_of(code_of("compare_technologies"), [config["measures"][w.measure]["file"]]),
        entry=lambda wildcards: config["measures"][wildcards.measure],
    script:
        "../scripts/compare_technologies.py"


rule measure_productivity:
    """Measure efficiency and productivity against a global frontier."""
    input:
        panel=measure_inputs,
        code=code_of("measure_productivity"),
    output:
        **measure.outputs("productivity"),
    log:
        "<logs>/measures/measure_productivity/{measure}.log",
    benchmark:
        "<benchmarks>/measures/measure_productivity/{measure}.tsv"
    wildcard_constraints:
        measure=measure_names("productivity"),
    conda:
        ENVIRONMENT
    params:
        content=checksum_of(code_of("measure_productivity")),
        entry=lambda wildcards: config["measures"][wildcards.measure],
    script:
        "../scripts/measure_productivity.py"


rule measure_growth:
    """Measure growth of a variable and the level that it starts from."""
    input:
        panel=measure_inputs,
        code=code_of("measure_growth"),
    output:
        **measure.outputs("growth"),
    log:
        "<logs>/measures/measure_growth/{measure}.log",
    benchmark:
        "<benchmarks>/measures/measure_growth/{measure}.tsv"
    wildcard_constraints:
        measure=measure_names("growth"),
    conda:
        ENVIRONMENT
    params:
        content=checksum_of(code_of("measure_growth")),
        entry=lambda wildcards: config["measures"][wildcards.measure],
    script:
        "../scripts/measure_growth.py"


rule describe_measures:
    """Describe every column and table of every measure."""
    input:
        tables=[path for name in measure.entries(config) for path in measure.tables(config, name)],
        code=code_of("describe_measures"),
    output:
        codebook="<results>/measures/codebook.csv",
    log:
        "<logs>/measures/describe_measures.log",
    benchmark:
        "<benchmarks>/measures/describe_measures.tsv"
    conda:
        ENVIRONMENT
    params:
        content=checksum_of(code_of("describe_measures")),
        descriptions=placed(measure.descriptions(config), PLACES),
        labels=measure.labels(config),
    script:
        "../scripts/describe_measures.py"


rule measures:
    """Stage 2, all of it: from the panel to indices."""
    input:
        measure.targets(config),
        "<results>/measures/codebook.csv",
