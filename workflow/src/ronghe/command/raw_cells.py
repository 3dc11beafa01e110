"""The cells of the raw tables behind a variable: file, sheet, row, column, and what stands there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ronghe.errors import RongheError, require_known
from ronghe.messages import told

if TYPE_CHECKING:
    from ronghe.clean.tables import Series
    from ronghe.clean.variable import Variable


class RawCells:
    """The raw tables of a dataset, asked for the cells of a variable, of all regions and years or of some."""

    def __init__(self, dataset: dict, project: Path, region: str | None, year: int | None, most: int) -> None:
        self.dataset, self.project, self.most = dataset, project, most
        self.region, self.year = region, year
        self._names: tuple | None = None
        self._series: dict[str, dict] = {}

    def names(self) -> tuple:
        """Return the table of regions and the names they go by."""
        from ronghe.clean.regions import read_regions

        if self._names is None:
            self._names = read_regions(self.dataset, self.project / self.dataset["folder"])
        return self._names

    def chosen(self) -> tuple[list[str], list[int]]:
        """Return the regions and years asked for: those of the sample unless one is named."""
        from ronghe.clean.regions import sample_regions
        from ronghe.clean.variables import sample_years

        regions, names = self.names()
        if self.region is None:
            wanted = sample_regions(self.dataset, regions)
        else:
            found = names.region_of(self.region)
            if found is None:
                require_known(self.region, names.regions, "region", "--region")
            wanted = [found]
        return wanted, sample_years(self.dataset) if self.year is None else [self.year]

    def lines(self, variable: Variable) -> Iterator[str]:
        """Yield how many cells a variable takes, and the first of them."""
        table = self.dataset["tables"][variable.table]
        if "microdata" in table:
            yield told("summed up from microdata; see records.csv beside the panel")
            return
        try:
            series = self._read(variable)
        except RongheError as error:
            yield told(f"cannot be read now: {error}")
            return
        regions, years = self.chosen()
        cells = [
            (region, year, int(series.rows.at[region, year]), series.values.at[region, year])
            for region in regions
            for year in years
            if region in series.rows.index and year in series.rows.columns and series.rows.at[region, year]
        ]
        filled = sum(value != value for *_, value in cells)
        absent = len(regions) * len(years) - len(cells)
        notes = [told(f"{filled} of them empty, treated as gap: {variable.gap}")] if filled else []
        notes += [told(f"{absent} have no row")] if absent else []
        sheet = f", sheet {table['sheet']!r}" if "sheet" in table else ""
        yield told(f"{len(cells)} cells{sheet}") + (f" ({'; '.join(notes)})" if notes else "")
        for region, year, row, value in cells[: self.most]:
            part = series.parts.get(year)
            column = self._column(table, part.variable if part else variable, year)
            file = f"{part.path}: " if part else ""
            figure = "empty" if value != value else f"{value:.15g}"
            yield file + told(f"row {row}, column '{column}' ({region} {year}): {figure}")
        if len(cells) > self.most:
            yield told(f"... and {len(cells) - self.most} more (--cells N shows N, --region and --year choose)")

    def _read(self, variable: Variable) -> Series:
        """Return the figures of a variable as written; a table is read once for all its variables."""
        from ronghe.clean.tables import read_table
        from ronghe.clean.variables import variables

        if variable.table not in self._series:
            folder, table = self.project / self.dataset["folder"], self.dataset["tables"][variable.table]
            wanted = [one for one in variables(self.dataset).values() if one.table == variable.table]
            units = self.dataset["units"]
            self._series[variable.table] = read_table(table, wanted, folder, self.names()[1], units)
        return self._series[variable.table][variable.name]

    @staticmethod
    def _column(table: dict, variable: Variable, year: int) -> str:
        return table["key"]["year"].replace("{year}", str(year)) if table.get("layout") == "wide" else variable.column
