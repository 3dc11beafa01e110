"""Lists every exhibit: docs/exhibits.md from the configuration, PROVENANCE.md with what each one is made from.

`python -m ronghe.paper.exhibit_list` writes docs/exhibits.md again after a table or a figure was declared.
"""

from __future__ import annotations

from pathlib import Path

import yaml

from ronghe.files import write_text

# The rule that makes a section of a part's exhibits, and the file that stands for all of its formats in a command.
RULES = {"tables": ("render_tables_{}", "typ"), "figures": ("draw_figures_{}", "svg")}
DOCUMENTS = {
    "paper.pdf": ("The paper", "typeset_paper"),
    "paper.docx": ("The paper as a Word document", "write_word"),
    "supplement.pdf": ("The supplement", "typeset_supplement"),
    "summary.pdf": ("One page for a reader in a hurry", "typeset_summary"),
    "numbers.csv": ("Where every quoted number comes from", "collect_numbers"),
    "numbers.typ": ("Numbers that the sentences quote", "collect_numbers"),
    "tables/main.docx": ("Every table in one Word document", "gather_word"),
    "exhibits.tex": ("Every table and figure in one LaTeX document", "gather_exhibits"),
    "PROVENANCE.md": ("Where every exhibit comes from", "write_provenance"),
    "explorer.html": ("The explorer: where, with what, how sure, where it spills, what if", "write_explorer"),
}


def list_exhibits(config: dict) -> str:
    """Return docs/exhibits.md: every table, figure and document with the rule that makes it and its files."""
    lines = [
        "# Exhibits",
        "",
        "Made by `python -m ronghe.paper.exhibit_list` from `config/tables.yaml` and `config/figures.yaml`.",
        "The files lie in `paper/DATASET/LANGUAGE/`, by default `paper/china_provinces/en/`.",
        "",
        "| exhibit | rule | file |",
        "|---|---|---|",
    ]
    for part, (rule, _) in RULES.items():
        for name, entry in config[part].items():
            caption = entry["caption"] if isinstance(entry["caption"], str) else entry["caption"]["en"]
            lines.append(f"| {caption} | `{rule.format(entry.get('section', name))}` | `{part}/{name}.*` |")
    lines += [f"| {said} | `{rule}` | `{path}` |" for path, (said, rule) in DOCUMENTS.items()]
    return "\n".join([*lines, ""])


def list_provenance(inputs: dict[str, list[str]], sections: dict[str, str], facts: dict[str, str], folder: str) -> str:
    """Return PROVENANCE.md: every exhibit with its rule, its inputs and the command that remakes it."""
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
        rule, ending = RULES[exhibit.partition("/")[0]]
        rule = rule.format(sections[exhibit])
        sources = "<br>".join(f"`{path}`" for path in paths) or "`workflow/rules/`"
        lines.append(f"| `{exhibit}.*` | `{rule}` | {sources} | `snakemake --force {folder}/{exhibit}.{ending}` |")
    lines += [
        f"| `numbers.typ` | `collect_numbers` | every quoted result | `snakemake --force {folder}/numbers.typ` |",
        f"| `paper.pdf` | `typeset_paper` | all above, `paper/paper.typ` | `snakemake --force {folder}/paper.pdf` |",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Write docs/exhibits.md of the project in the current folder."""
    config = {part: yaml.safe_load(Path(f"config/{part}.yaml").read_text(encoding="utf-8"))[part] for part in RULES}
    write_text("docs/exhibits.md", list_exhibits(config))


if __name__ == "__main__":
    main()
