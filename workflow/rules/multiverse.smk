# Stage 5, all at once: from panel, measures and weights to every specification that config/multiverse.yaml declares.
from ronghe.models.multiverse import declaration as multiverse_declaration

MULTIVERSE = multiverse_declaration.Multiverse.of(config)


if MULTIVERSE:
    SHARDS = range(MULTIVERSE.entry["shards"])
    SAMPLES = multiverse_declaration.samples(config, MULTIVERSE)

    rule estimate_multiverse:
        """One shard of the multiverse: every n-th setting, all its specifications at once."""
        input:
            **multiverse_declaration.inputs(config, MULTIVERSE),
            code=code_of("estimate_multiverse"),
        output:
            temp("<results>/multiverse/shards/{shard}.parquet"),
        log:
            "<logs>/multiverse/estimate_multiverse/{shard}.log",
        benchmark:
            "<benchmarks>/multiverse/estimate_multiverse/{shard}.tsv"
        conda:
            ENVIRONMENT
        params:
            content=checksum_of(code_of("estimate_multiverse")),
            entry=MULTIVERSE.entry,
            samples=SAMPLES,
            seed=config["seed"],
        script:
            "../scripts/estimate_multiverse.py"

    rule merge_multiverse:
        """All specifications in the order of the grid, whatever the shards."""
        input:
            shards=expand("<results>/multiverse/shards/{shard}.parquet", shard=SHARDS),
            code=code_of("merge_multiverse"),
        output:
            "<results>/multiverse/specifications.parquet",
        log:
            "<logs>/multiverse/merge_multiverse.log",
        benchmark:
            "<benchmarks>/multiverse/merge_multiverse.tsv"
        conda:
            ENVIRONMENT
        params:
            content=checksum_of(code_of("merge_multiverse")),
            entry=MULTIVERSE.entry,
            seed=config["seed"],
        script:
            "../scripts/merge_multiverse.py"

    rule judge_multiverse:
        """Signs, significance, the effect by choice, model averages, what cannot be estimated, and what figures draw."""
        input:
            specifications="<results>/multiverse/specifications.parquet",
            code=code_of("judge_multiverse"),
        output:
            **{name: f"<results>/multiverse/{name}.csv" for name in multiverse_declaration.JUDGEMENTS},
        log:
            "<logs>/multiverse/judge_multiverse.log",
        benchmark:
            "<benchmarks>/multiverse/judge_multiverse.tsv"
        conda:
            ENVIRONMENT
        params:
            content=checksum_of(code_of("judge_multiverse")),
            entry=MULTIVERSE.entry,
            seed=config["seed"],
        script:
            "../scripts/judge_multiverse.py"

    rule check_multiverse:
        """A random sample of the specifications refitted by the ordinary engine, and the differences."""
        input:
            **multiverse_declaration.inputs(config, MULTIVERSE),
            specifications="<results>/multiverse/specifications.parquet",
            code=code_of("check_multiverse"),
        output:
            "<results>/multiverse/agreement.csv",
        log:
            "<logs>/multiverse/check_multiverse.log",
        benchmark:
            "<benchmarks>/multiverse/check_multiverse.tsv"
        conda:
            ENVIRONMENT
        params:
            content=checksum_of(code_of("check_multiverse")),
            entry=MULTIVERSE.entry,
            samples=SAMPLES,
            seed=config["seed"],
        script:
            "../scripts/check_multiverse.py"

    rule redraw_multiverse:
        """The curve refitted where the treatment does nothing, by one of two nulls: a part of the settings, all draws."""
        input:
            **multiverse_declaration.inputs(config, MULTIVERSE),
            specifications="<results>/multiverse/specifications.parquet",
            code=code_of("redraw_multiverse"),
        output:
            temp("<results>/multiverse/draws/{null}/{shard}.parquet"),
        log:
            "<logs>/multiverse/redraw_multiverse/{null}/{shard}.log",
        benchmark:
            "<benchmarks>/multiverse/redraw_multiverse/{null}/{shard}.tsv"
        conda:
            ENVIRONMENT
        params:
            content=checksum_of(code_of("redraw_multiverse")),
            entry=MULTIVERSE.entry,
            samples=SAMPLES,
            seed=config["seed"],
        script:
            "../scripts/redraw_multiverse.py"

    rule test_multiverse:
        """The joint test: the observed curve beside those of all draws under each null."""
        input:
            shards=expand(
                "<results>/multiverse/draws/{null}/{shard}.parquet",
                null=MULTIVERSE.entry["joint_test"]["nulls"],
                shard=SHARDS,
            ),
            code=code_of("test_multiverse"),
        output:
            test="<results>/multiverse/joint_test.csv",
            draws="<results>/multiverse/joint_draws.csv",
        log:
            "<logs>/multiverse/test_multiverse.log",
        benchmark:
            "<benchmarks>/multiverse/test_multiverse.tsv"
        conda:
            ENVIRONMENT
        params:
            content=checksum_of(code_of("test_multiverse")),
        script:
            "../scripts/test_multiverse.py"


rule multiverse:
    """Every specification that config/multiverse.yaml declares, judged as a whole."""
    input:
        multiverse_declaration.results(MULTIVERSE),
