# Stage 6: from stored results to tables, figures and the manuscript.
from ronghe.paper import declaration as printed

TABLES = list(config["tables"])
FIGURES = list(config["figures"])
WORDS = "workflow/src/ronghe/paper/words.yaml"
EXPLORED = printed.explored(config, [v for s in SPECIFICATIONS.values() for v in models_declaration.variables(s)])


wildcard_constraints:
    table="|".join(TABLES) or "none",
    figure="|".join(FIGURES) or "none",


rule render_table:
    """One table in every format, from the results of its own columns only."""
    input:
        code=code_of("render_table"),
        words=WORDS,
        panel=lambda w: printed.panel_files(config["tables"][w.table]),
        files=lambda w: printed.stored_files(config["tables"][w.table]),
        results=lambda w: printed.result_files(config["tables"][w.table]),
    output:
        multiext("paper/tables/{table}", ".tex", ".typ", ".docx", ".csv"),
        report(
            "paper/tables/{table}.html",
            caption="../report/table.rst",
            category="Tables",
            labels=lambda w: {"table": w.table},
        ),
    log:
        "results/logs/paper/render_table/{table}.log",
    benchmark:
        "results/benchmarks/jobs/paper/render_table/{table}.tsv"
    conda:
        ENVIRONMENT
    params:
        entry=lambda wildcards: config["tables"][wildcards.table],
        labels=config["labels"],
        language=config["language"],
    script:
        "../scripts/render_table.py"


rule draw_figure:
    """One figure as PDF, SVG and PNG, from the stored tables that it names."""
    input:
        code=code_of("draw_figure"),
        words=WORDS,
        style="workflow/src/ronghe/paper/figures/ronghe.mplstyle",
        panel=lambda w: printed.panel_files(config["figures"][w.figure]),
        files=lambda w: (
            [f"workflow/rules/{stage}.smk" for stage in ("clean", "measures", "weights", "explore", "models", "paper")]
            if config["figures"][w.figure]["kind"] == "workflow"
            else printed.stored_files(config["figures"][w.figure])
        ),
        results=lambda w: printed.result_files(config["figures"][w.figure]),
        regions=lambda w: printed.region_files(config["figures"][w.figure]),
    output:
        multiext("paper/figures/{figure}", ".pdf", ".svg"),
        report(
            "paper/figures/{figure}.png",
            caption="../report/figure.rst",
            category="Figures",
            labels=lambda w: {"figure": w.figure},
        ),
    log:
        "results/logs/paper/draw_figure/{figure}.log",
    benchmark:
        "results/benchmarks/jobs/paper/draw_figure/{figure}.tsv"
    conda:
        ENVIRONMENT
    params:
        entry=lambda wildcards: config["figures"][wildcards.figure],
        labels=config["labels"],
        language=config["language"],
    script:
        "../scripts/draw_figure.py"


rule collect_numbers:
    """The numbers that the manuscript quotes, with the facts of its footer."""
    input:
        code=code_of("collect_numbers"),
        panel=printed.quoted_panel(config["quotes"]),
        files=printed.quoted_files(config["quotes"]),
        library=source_files("ronghe.paper.render_table"),
    output:
        text="paper/numbers.typ",
        origins="paper/numbers.csv",
    log:
        "results/logs/paper/collect_numbers.log",
    benchmark:
        "results/benchmarks/jobs/paper/collect_numbers.tsv"
    conda:
        ENVIRONMENT
    params:
        quotes=config["quotes"],
        figures=config["figures"],
        language=config["language"],
        seed=config["seed"],
        dataset=config["dataset"],
    script:
        "../scripts/collect_numbers.py"


rule typeset_paper:
    """The manuscript as PDF, with every table, figure and quoted number in it."""
    input:
        expand("paper/tables/{table}.typ", table=TABLES),
        expand("paper/figures/{figure}.svg", figure=FIGURES),
        "paper/numbers.typ",
        code=code_of("typeset_paper"),
        source=config["manuscript"].get("source", []),
        parts=[part.format(language=config["language"]) for part in config["manuscript"].get("parts", [])],
    output:
        report("paper/paper.pdf", caption="../report/paper.rst", category="Paper"),
    log:
        "results/logs/paper/typeset_paper.log",
    benchmark:
        "results/benchmarks/jobs/paper/typeset_paper.tsv"
    conda:
        ENVIRONMENT
    params:
        language=config["language"],
    script:
        "../scripts/typeset_paper.py"


rule typeset_supplement:
    """The supplement as PDF: every exhibit and result that the paper has no room for."""
    input:
        expand("paper/tables/{table}.typ", table=TABLES),
        expand("paper/figures/{figure}.svg", figure=FIGURES),
        "paper/numbers.typ",
        code=code_of("typeset_paper"),
        source=config["manuscript"].get("supplement", []),
        parts=[part.format(language=config["language"]) for part in config["manuscript"].get("parts", [])],
    output:
        report("paper/supplement.pdf", caption="../report/paper.rst", category="Paper"),
    log:
        "results/logs/paper/typeset_supplement.log",
    benchmark:
        "results/benchmarks/jobs/paper/typeset_supplement.tsv"
    conda:
        ENVIRONMENT
    params:
        language=config["language"],
    script:
        "../scripts/typeset_paper.py"


use rule typeset_supplement as typeset_summary with:
    input:
        expand("paper/figures/{figure}.svg", figure=FIGURES),
        "paper/numbers.typ",
        code=code_of("typeset_paper"),
        source=config["manuscript"].get("summary", []),
        parts=[part.format(language=config["language"]) for part in config["manuscript"].get("parts", [])],
    output:
        report("paper/summary.pdf", caption="../report/paper.rst", category="Paper"),
    log:
        "results/logs/paper/typeset_summary.log",
    benchmark:
        "results/benchmarks/jobs/paper/typeset_summary.tsv"


rule gather_word:
    """All tables as one Word document."""
    input:
        tables=expand("paper/tables/{table}.docx", table=TABLES),
        code=code_of("gather_word"),
    output:
        "paper/tables/main.docx",
    log:
        "results/logs/paper/gather_word.log",
    benchmark:
        "results/benchmarks/jobs/paper/gather_word.tsv"
    conda:
        ENVIRONMENT
    params:
        dataset=config["dataset"],
    script:
        "../scripts/gather_word.py"


rule gather_exhibits:
    """All tables and figures as one LaTeX document."""
    input:
        expand("paper/tables/{table}.tex", table=TABLES),
        expand("paper/figures/{figure}.pdf", figure=FIGURES),
        code=code_of("gather_exhibits"),
    output:
        "paper/exhibits.tex",
    log:
        "results/logs/paper/gather_exhibits.log",
    benchmark:
        "results/benchmarks/jobs/paper/gather_exhibits.tsv"
    conda:
        ENVIRONMENT
    params:
        tables=TABLES,
        figures=config["figures"],
        language=config["language"],
    script:
        "../scripts/gather_exhibits.py"


rule write_provenance:
    """Every exhibit with the rule that makes it, what it is made from, and the command that remakes it."""
    input:
        code=code_of("write_provenance"),
        panel=printed.PANEL,
        library=source_files("ronghe.paper.render_table"),
    output:
        "paper/PROVENANCE.md",
    log:
        "results/logs/paper/write_provenance.log",
    benchmark:
        "results/benchmarks/jobs/paper/write_provenance.tsv"
    conda:
        ENVIRONMENT
    params:
        sources=printed.sources(config),
        seed=config["seed"],
        dataset=config["dataset"],
    script:
        "../scripts/write_provenance.py"


rule write_explorer:
    """One self-contained page to look through panel, estimates and tables."""
    input:
        code=code_of("write_explorer"),
        words=WORDS,
        page="workflow/src/ronghe/paper/explorer.html",
        panel=printed.panel_files(EXPLORED),
        regions=printed.REGIONS,
        fits=expand(
            "results/models/{spec}/{file}",
            spec=SPECIFICATIONS,
            file=["coefficients.csv", "impacts.csv", "fit.json"],
        ),
        tables=expand("paper/tables/{table}.csv", table=TABLES),
        library=source_files("ronghe.paper.render_table"),
    output:
        report("results/explorer.html", caption="../report/explorer.rst", category="Explorer"),
    log:
        "results/logs/paper/write_explorer.log",
    benchmark:
        "results/benchmarks/jobs/paper/write_explorer.tsv"
    conda:
        ENVIRONMENT
    params:
        tables=config["tables"],
        variables=EXPLORED["variables"],
        fits=list(SPECIFICATIONS),
        labels=config["labels"],
        language=config["language"],
        seed=config["seed"],
        dataset=config["dataset"],
    script:
        "../scripts/write_explorer.py"


rule paper:
    """Stage 6, all of it: from stored results to tables, figures and the manuscript."""
    input:
        expand("paper/{document}.pdf", document=printed.documents(config["manuscript"])),
        "paper/exhibits.tex",
        "paper/tables/main.docx" if TABLES else [],
        "paper/PROVENANCE.md",
        "results/explorer.html",
