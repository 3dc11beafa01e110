# Stage 6: from stored results to tables, figures and the manuscript.
from functools import partial

from ronghe.paper import declaration as printed
from ronghe.places import require_made

TABLES = list(config["tables"])
FIGURES = list(config["figures"])
MODELS = f"{PLACES['results']}/models"
WORDS = "workflow/src/ronghe/paper/words.yaml"
STYLE = "workflow/src/ronghe/paper/figures/ronghe.mplstyle"
PAGE = printed.page_files()
LIBRARY = source_files("ronghe.paper.render_table")
MANUSCRIPT, SUPPLEMENT, SUMMARY = (printed.manuscript_files(config, document) for document in printed.DOCUMENTS)
NUMBERS = printed.exhibit_numbers(config)
EXPLORED = printed.explored(
    config, [v for s in SPECIFICATIONS.values() for v in models_declaration.variables(s)], variables(DATASET)
)
EXPLORED_FILES = printed.explorer_files(config, EXPLORED["variables"], SPECIFICATIONS)


# One rule for each section of tables.yaml; a table in no section is one by itself.
for SECTION, ENTRIES in printed.sections(config["tables"]).items():

    rule:
        name:
            f"render_tables_{SECTION}"
        input:
            partial(printed.section_files, "tables", ENTRIES),
            code=code_of("render_tables"),
            words=WORDS,
        output:
            expand("<paper>/tables/{table}.{ending}", table=ENTRIES, ending=["tex", "typ", "docx", "csv"]),
            [
                report(
                    f"<paper>/tables/{table}.html",
                    caption="../report/table.rst",
                    category="Tables",
                    labels={"table": table},
                )
                for table in ENTRIES
            ],
        log:
            f"<logs>/paper/render_tables_{SECTION}.log",
        benchmark:
            f"<benchmarks>/paper/render_tables_{SECTION}.tsv"
        conda:
            ENVIRONMENT
        params:
            content=checksum_of(code_of("render_tables"), [WORDS]),
            entries=brief(ENTRIES),
            reads=brief(placed(printed.reads(ENTRIES), PLACES)),
            models=MODELS,
            labels=config["labels"],
            language=config["language"],
        script:
            "../scripts/render_tables.py"

    workflow.get_rule(f"render_tables_{SECTION}").docstring = f"Tables in every format: {', '.join(ENTRIES)}."


# One rule for each section of figures.yaml, likewise.
for SECTION, ENTRIES in printed.sections(config["figures"]).items():

    rule:
        name:
            f"draw_figures_{SECTION}"
        input:
            partial(printed.section_files, "figures", ENTRIES),
            code=code_of("draw_figures"),
            words=WORDS,
            style=STYLE,
        output:
            expand("<paper>/figures/{figure}.{ending}", figure=ENTRIES, ending=["pdf", "svg"]),
            [
                report(
                    f"<paper>/figures/{figure}.png",
                    caption="../report/figure.rst",
                    category="Figures",
                    labels={"figure": figure},
                )
                for figure in ENTRIES
            ],
        log:
            f"<logs>/paper/draw_figures_{SECTION}.log",
        benchmark:
            f"<benchmarks>/paper/draw_figures_{SECTION}.tsv"
        conda:
            ENVIRONMENT
        params:
            content=checksum_of(code_of("draw_figures"), [WORDS, STYLE], printed.drawn_on(ENTRIES)),
            entries=brief({figure: printed.drawn(config, figure) for figure in ENTRIES}),
            reads=brief(placed(printed.reads(ENTRIES), PLACES)),
            models=MODELS,
            labels=config["labels"],
            language=config["language"],
        script:
            "../scripts/draw_figures.py"

    workflow.get_rule(f"draw_figures_{SECTION}").docstring = f"Figures as PDF, SVG and PNG: {', '.join(ENTRIES)}."


rule collect_numbers:
    """The numbers that the manuscript quotes, with the facts of its footer."""
    input:
        code=code_of("collect_numbers"),
        panel=printed.quoted_panel(config["quotes"]),
        files=lambda w: require_made(printed.quoted_files(config["quotes"]), "quotes.cells"),
        library=LIBRARY,
    output:
        text="<paper>/numbers.typ",
        origins="<paper>/numbers.csv",
    log:
        "<logs>/paper/collect_numbers.log",
    benchmark:
        "<benchmarks>/paper/collect_numbers.tsv"
    conda:
        ENVIRONMENT
    params:
        content=checksum_of(code_of("collect_numbers"), LIBRARY),
        quotes=config["quotes"],
        places=PLACES,
        figures=config["figures"],
        story=config.get("manuscript", {}).get("story", {}),
        labels=config["labels"],
        language=config["language"],
        seed=config["seed"],
        dataset=config["dataset"],
    script:
        "../scripts/collect_numbers.py"


rule typeset_paper:
    """The manuscript as PDF, with every table, figure and quoted number in it."""
    input:
        expand("<paper>/tables/{table}.typ", table=TABLES),
        expand("<paper>/figures/{figure}.svg", figure=FIGURES),
        "<paper>/numbers.typ",
        code=code_of("typeset_paper"),
        source=MANUSCRIPT[:1],
        parts=MANUSCRIPT[1:],
    output:
        report("<paper>/paper.pdf", caption="../report/paper.rst", category="Paper"),
    log:
        "<logs>/paper/typeset_paper.log",
    benchmark:
        "<benchmarks>/paper/typeset_paper.tsv"
    conda:
        ENVIRONMENT
    params:
        content=checksum_of(code_of("typeset_paper"), MANUSCRIPT),
        language=config["language"],
    script:
        "../scripts/typeset_paper.py"


rule typeset_supplement:
    """The supplement as PDF: every exhibit and result that the paper has no room for."""
    input:
        expand("<paper>/tables/{table}.typ", table=TABLES),
        expand("<paper>/figures/{figure}.svg", figure=FIGURES),
        "<paper>/numbers.typ",
        code=code_of("typeset_paper"),
        source=SUPPLEMENT[:1],
        parts=SUPPLEMENT[1:],
    output:
        report("<paper>/supplement.pdf", caption="../report/paper.rst", category="Paper"),
    log:
        "<logs>/paper/typeset_supplement.log",
    benchmark:
        "<benchmarks>/paper/typeset_supplement.tsv"
    conda:
        ENVIRONMENT
    params:
        content=checksum_of(code_of("typeset_paper"), SUPPLEMENT),
        language=config["language"],
    script:
        "../scripts/typeset_paper.py"


rule typeset_summary:
    """One page for a reader in a hurry as PDF."""
    input:
        expand("<paper>/tables/{table}.typ", table=TABLES),
        expand("<paper>/figures/{figure}.svg", figure=FIGURES),
        "<paper>/numbers.typ",
        code=code_of("typeset_paper"),
        source=SUMMARY[:1],
        parts=SUMMARY[1:],
    output:
        report("<paper>/summary.pdf", caption="../report/paper.rst", category="Paper"),
    log:
        "<logs>/paper/typeset_summary.log",
    benchmark:
        "<benchmarks>/paper/typeset_summary.tsv"
    conda:
        ENVIRONMENT
    params:
        content=checksum_of(code_of("typeset_paper"), SUMMARY),
        language=config["language"],
    script:
        "../scripts/typeset_paper.py"


rule write_word:
    """The manuscript as a Word document for co-authors who edit there."""
    input:
        expand("<paper>/tables/{table}.{ending}", table=TABLES, ending=["typ", "docx"]),
        expand("<paper>/figures/{figure}.png", figure=FIGURES),
        "<paper>/numbers.typ",
        code=code_of("write_word"),
        source=MANUSCRIPT[:1],
        parts=MANUSCRIPT[1:],
    output:
        "<paper>/paper.docx",
    log:
        "<logs>/paper/write_word.log",
    benchmark:
        "<benchmarks>/paper/write_word.tsv"
    conda:
        ENVIRONMENT
    params:
        content=checksum_of(code_of("write_word"), MANUSCRIPT),
        language=config["language"],
    script:
        "../scripts/write_word.py"


rule gather_word:
    """All tables as one Word document, numbered as the paper numbers them."""
    input:
        tables=expand("<paper>/tables/{table}.docx", table=TABLES),
        code=code_of("gather_word"),
    output:
        "<paper>/tables/main.docx",
    log:
        "<logs>/paper/gather_word.log",
    benchmark:
        "<benchmarks>/paper/gather_word.tsv"
    conda:
        ENVIRONMENT
    params:
        content=checksum_of(code_of("gather_word")),
        numbers=NUMBERS["tables"],
        language=config["language"],
        dataset=config["dataset"],
    script:
        "../scripts/gather_word.py"


rule gather_exhibits:
    """All tables and figures as one LaTeX document, numbered as the paper numbers them."""
    input:
        tables=expand("<paper>/tables/{table}.tex", table=TABLES),
        figures=expand("<paper>/figures/{figure}.pdf", figure=FIGURES),
        code=code_of("gather_exhibits"),
    output:
        "<paper>/exhibits.tex",
    log:
        "<logs>/paper/gather_exhibits.log",
    benchmark:
        "<benchmarks>/paper/gather_exhibits.tsv"
    conda:
        ENVIRONMENT
    params:
        content=checksum_of(code_of("gather_exhibits")),
        numbers=NUMBERS,
        figures=config["figures"],
        language=config["language"],
    script:
        "../scripts/gather_exhibits.py"


rule write_provenance:
    """Every exhibit with the rule that makes it, what it is made from, and the command that remakes it."""
    input:
        code=code_of("write_provenance"),
        panel=printed.PANEL,
        library=LIBRARY,
    output:
        "<paper>/PROVENANCE.md",
    log:
        "<logs>/paper/write_provenance.log",
    benchmark:
        "<benchmarks>/paper/write_provenance.tsv"
    conda:
        ENVIRONMENT
    params:
        content=checksum_of(code_of("write_provenance"), LIBRARY),
        sources=placed(printed.sources(config), PLACES),
        sections=printed.section_names(config),
        places=PLACES,
        seed=config["seed"],
        dataset=config["dataset"],
    script:
        "../scripts/write_provenance.py"


rule write_explorer:
    """One self-contained page that answers where, with what, how sure, where it spills, and what if."""
    input:
        **EXPLORED_FILES,
        code=code_of("write_explorer"),
        words=WORDS,
        page=PAGE,
        panel=printed.panel_files(EXPLORED),
        regions=printed.REGIONS,
        tables=expand("<paper>/tables/{table}.csv", table=TABLES),
        library=LIBRARY,
    output:
        report("<paper>/explorer.html", caption="../report/explorer.rst", category="Explorer"),
    log:
        "<logs>/paper/write_explorer.log",
    benchmark:
        "<benchmarks>/paper/write_explorer.tsv"
    conda:
        ENVIRONMENT
    params:
        content=checksum_of(code_of("write_explorer"), [WORDS], PAGE, LIBRARY),
        config={
            part: config.get(part, {})
            for part in ("tables", "figures", "labels", "measures", "multiverse", "language", "seed")
        },
        variables=EXPLORED["variables"],
        specifications=list(SPECIFICATIONS),
        places=PLACES,
        dataset=config["dataset"],
    script:
        "../scripts/write_explorer.py"


rule paper:
    """Stage 6, all of it: from stored results to tables, figures and the manuscript."""
    input:
        expand("<paper>/{document}.pdf", document=printed.documents(config["manuscript"])),
        "<paper>/paper.docx" if MANUSCRIPT else [],
        "<paper>/exhibits.tex",
        "<paper>/tables/main.docx" if TABLES else [],
        "<paper>/PROVENANCE.md",
        "<paper>/explorer.html",
