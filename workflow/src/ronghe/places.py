"""Says where the outputs of a dataset lie, and turns the names that rules use for those folders into real paths."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Any

from ronghe.errors import RongheError
from ronghe.yaml_files import load_yaml

_NAME = re.compile(r"<([a-z]+)>")


def folders(dataset: str, language: str) -> dict[str, str]:
    """Return the folder behind every `<name>` in a path: nothing of one dataset or language overwrites another's."""
    results = f"results/{dataset}"
    return {
        "processed": f"data/processed/{dataset}",
        "results": results,
        "paper": f"paper/{dataset}/{language}",
        "logs": f"{results}/logs",
        "benchmarks": f"{results}/benchmarks",
    }


def placed(value: Any, named: dict[str, str]) -> Any:
    """Return paths, alone or inside lists and mappings, with the real folder in the place of every `<name>`."""
    if isinstance(value, str):
        return _NAME.sub(lambda found: named.get(found[1], found[0]), value)
    if isinstance(value, dict):
        return {key: placed(item, named) for key, item in value.items()}
    return [placed(item, named) for item in value] if isinstance(value, (list, tuple)) else value


def stored(file: str) -> str:
    """Return the path of a stored table: in the dataset's results, its clean tables (`processed/`), or `raw/`.

    `datasets/NAME/...` is a table in the results of another dataset.
    """
    if file.startswith("raw/"):
        return f"data/{file}"
    if file.startswith("datasets/"):
        return f"results/{file.removeprefix('datasets/')}"
    return f"<processed>/{file.removeprefix('processed/')}" if file.startswith("processed/") else f"<results>/{file}"


def require_made(paths: list[str], where: str) -> list[str]:
    """Return paths; refuse one of another dataset's results, which no rule of this run makes, that is not there."""
    for path in paths:
        if path.startswith("results/") and not Path(path).is_file():
            dataset = PurePosixPath(path).parts[1]
            raise RongheError(
                f"{where}: {path} belongs to the dataset {dataset} and is not there yet; make it first: "
                f"snakemake --config dataset={dataset} -- {path}"
            )
    return paths


def require_inside(file: str, where: str, named: dict[str, str]) -> None:
    """Refuse a stored table that is not named inside the dataset's own folders, or leads out of the project."""
    path, rule = PurePosixPath(file), "name a file inside the results, such as measures/NAME/panel.csv"
    if path.is_absolute() or re.match(r"[A-Za-z]:|~|\\", file):
        raise RongheError(f"{where}: '{file}' is an absolute path; {rule}")
    if signs := [sign for sign in file if sign in "{}*?<>"]:
        raise RongheError(f"{where}: '{file}' holds '{signs[0]}', a sign of patterns; {rule}")
    if ".." in re.split(r"[/\\]", file):
        raise RongheError(f"{where}: '{file}' leads out of its folder by '..'; {rule}")
    if path.parts[:1] in (("results",), ("data",), ("paper",)):
        raise RongheError(
            f"{where}: '{file}' starts with '{path.parts[0]}'; {rule}, or processed/NAME.csv for a table of the panel"
        )
    real = Path(placed(stored(file), named)).resolve()
    if not real.is_relative_to(Path.cwd().resolve()):
        raise RongheError(f"{where}: '{file}' leads by a link to {real}, outside the project; {rule}")


def main() -> None:
    """Say where the results of the default dataset lie; `make` ends with it."""
    config = load_yaml("config/config.yaml")
    named = folders(config["dataset"], config["language"])
    paper = named["paper"]
    for what, place in (
        ("paper", f"{paper}/paper.pdf"),
        ("tables", f"{paper}/tables/    (.tex .typ .docx .html .csv)"),
        ("figures", f"{paper}/figures/"),
        ("browse", f"{paper}/explorer.html"),
        ("results", f"{named['results']}/"),
        ("data", f"{named['processed']}/"),
    ):
        print(f"  {what:<8} {place}")


if __name__ == "__main__":
    main()
