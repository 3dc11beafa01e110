"""Typesets the manuscript, and writes beside it where every exhibit comes from."""

from __future__ import annotations

from pathlib import Path

from ronghe.errors import RongheError


def typeset(source: str | Path, target: str | Path, language: str = "en") -> None:
    """Compile the Typst manuscript to PDF with the fonts that come with the compiler; Chinese adds those installed."""
    import typst

    if language == "zh":
        from ronghe.paper.figures.canvas import chinese_font

        chinese_font()
    try:
        typst.compile(
            str(source),
            output=str(target),
            root=str(Path(source).resolve().parent),
            ignore_system_fonts=language != "zh",
            sys_inputs={"language": language},
        )
    except typst.TypstError as error:
        hints = "; ".join(getattr(error, "hints", []) or [])
        raise RongheError(f"{source}: Typst stops: {error}{'; ' + hints if hints else ''}") from None


def provenance(inputs: dict[str, list[str]], facts: dict) -> str:
    """Return PROVENANCE.md: every exhibit with its rule, its inputs and the command that remakes it."""
    rules = {"tables": ("render_table", "typ"), "figures": ("draw_figure", "svg")}
    lines = [
        "# Where every exhibit comes from",
        "",
        f"Data set {facts['dataset']}, panel {facts['panel']}, code {facts['code']}, "
        f"data to {facts['data']}, seed {facts['seed']}.",
        "Whatever an exhibit rests on can be followed further with `snakemake --summary` or `snakemake --forceall -n`.",
        "",
        "| exhibit | rule | inputs | command that remakes it |",
        "|---|---|---|---|",
    ]
    for exhibit, paths in inputs.items():
        rule, ending = rules[exhibit.partition("/")[0]]
        sources = "<br>".join(f"`{path}`" for path in paths) or "`workflow/rules/`"
        lines.append(f"| `paper/{exhibit}.*` | `{rule}` | {sources} | `snakemake --force paper/{exhibit}.{ending}` |")
    lines += [
        "| `paper/numbers.typ` | `collect_numbers` | every quoted result | `snakemake --force paper/numbers.typ` |",
        "| `paper/paper.pdf` | `typeset_paper` | all above, `paper/paper.typ` | `snakemake --force paper/paper.pdf` |",
        "",
    ]
    return "\n".join(lines)


def exhibits(config: dict, language: str = "en") -> str:
    """Return one LaTeX document that holds every table and figure, for plain TeX Live."""
    chinese = ["\\usepackage[UTF8]{ctex}"] if language == "zh" else ["\\usepackage[T1]{fontenc}"]
    lines = [
        "% Every table and figure of the paper in one document.",
        "\\documentclass[11pt]{article}",
        *chinese,
        "\\usepackage[margin=2cm]{geometry}",
        "\\usepackage{array,booktabs,longtable,graphicx}",
        "\\begin{document}",
    ]
    lines += [f"\\input{{tables/{name}.tex}}\n\\clearpage" for name in config.get("tables", {})]
    from ronghe.paper.formats.escape import tex

    for name, entry in config.get("figures", {}).items():
        caption = entry["caption"]
        caption = caption if isinstance(caption, str) else caption[language]
        lines += [
            "\\begin{figure}[htbp]",
            "\\centering",
            f"\\includegraphics[width=\\linewidth,height=0.8\\textheight,keepaspectratio]{{figures/{name}.pdf}}",
            f"\\caption{{{tex(caption)}}}\\label{{fig:{name}}}",
            "\\end{figure}",
            "\\clearpage",
        ]
    return "\n".join([*lines, "\\end{document}", ""])
