"""What a table or a figure is made from: its entry in the configuration, the results it may read, its words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ronghe.errors import require_known
from ronghe.frames import read_csv, read_panel
from ronghe.paper.exhibit import Exhibit, Row
from ronghe.paper.labels import Labels
from ronghe.paper.results import Fit
from ronghe.paper.stored_rows import read_rows

_COLUMN_KEYS = ("x", "y", "row", "column", "value", "series", "panel", "label", "estimate", "lower", "upper")


@dataclass(frozen=True)
class Sources:
    """The entry of one table or figure with the files that it may read, and the words of one language."""

    part: str
    name: str
    entry: dict
    labels: Labels
    panel_files: Sequence[str] = ()
    files: Sequence[str] = ()
    regions_file: str | None = None
    models: str | Path = ""

    @property
    def where(self) -> str:
        """Return the place of the entry in the configuration."""
        return f"{self.part}.{self.name}"

    def get(self, key: str, default: Any = None) -> Any:
        """Return a key of the entry."""
        return self.entry.get(key, default)

    def text(self, key: str) -> str:
        """Return a text of the entry in the language of the paper."""
        return self.labels.text(self.entry.get(key))

    def panel(self, variables: Iterable[str], key: str) -> pd.DataFrame:
        """Return the panel with the measures of an entry; a variable that the entry names and nobody has is refused."""
        panel = read_panel(*self.panel_files)
        for variable in variables:
            require_known(variable, panel.columns, "variable", f"{self.where}.{key}")
        return panel

    def rows(self) -> pd.DataFrame:
        """Return the rows of the entry's stored table."""
        frame = read_rows(self.entry, list(self.files), self.where)
        for key in _COLUMN_KEYS:
            if key in self.entry:
                require_known(self.entry[key], frame.columns, "column", f"{self.where}.{key}")
        return frame

    def fits(self) -> list[tuple[dict, Fit]]:
        """Return the specifications of the entry's columns in order, each with its column in the long form."""
        columns = [{"specification": c} if isinstance(c, str) else c for c in self.entry["columns"]]
        return [(column, Fit.read(column["specification"], self._models_of(column))) for column in columns]

    def _models_of(self, column: dict) -> Path:
        """Return the folder of models that a column shows: this dataset's, or that of the dataset which it names."""
        own = Path(self.models)
        return Path("results", column["dataset"], own.name) if "dataset" in column else own

    def heading(self, column: dict, default: str) -> str:
        """Return what stands above a specification: its heading, its label, or the default."""
        if "heading" in column:
            return self.labels.text(column["heading"])
        name = column["specification"]
        return self.labels.variable(name) if self.labels.knows(name) else default

    def regions(self) -> pd.DataFrame:
        """Return the table of regions by name."""
        return read_csv(self.regions_file).set_index("region")

    def short_names(self, regions: Iterable[str]) -> dict[str, str]:
        """Return what stands for regions in small print: their short label, else a code of letters, else the name."""
        table = self.regions() if self.regions_file else pd.DataFrame()
        codes = {r: c for r, c in table.get("code", pd.Series(dtype=str)).items() if str(c).isalpha()}
        label = {r: f"short.{r}" for r in regions}
        return {r: self.labels.variable(s) if self.labels.knows(s) else codes.get(r, r) for r, s in label.items()}

    def names(self, values: Iterable[str | float]) -> dict[str, str]:
        """Return what each value is called."""
        return {value: self.labels.value(value, self.entry.get("names")) for value in dict.fromkeys(map(str, values))}

    def exhibit(self, rows: list[Row], header: list[list[str]], **layout: Any) -> Exhibit:
        """Return a table under the caption of the entry."""
        return Exhibit(
            self.name,
            rows,
            header,
            caption=self.text("caption"),
            long=self.entry.get("long", False),
            language=self.labels.language,
            **layout,
        )

    def notes(self, *sentences: str) -> str:
        """Return the notes of a table: what follows from the results, then what the entry adds."""
        text = self.labels.join([*sentences, self.text("notes")])
        return self.labels.word("notes.opening") + text if text else ""
