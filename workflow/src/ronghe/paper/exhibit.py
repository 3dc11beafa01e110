"""One table of the paper, written as TeX, Typst, Word, HTML and CSV from the same cells."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
from maketables import MTable

from ronghe.paper.cells import split_at_point
from ronghe.paper.formats import escape
from ronghe.paper.formats.tex import render_tex
from ronghe.paper.formats.typst import render_typst
from ronghe.paper.formats.word import aligned, finish_document

FORMATS = ("tex", "typ", "docx", "html", "csv")


class Exhibit(MTable):
    """A table with its caption and notes; cells are text, aligned at the decimal point where they are numbers.

    Word and HTML come from `maketables`. TeX and Typst are written here because maketables 0.2 leaves TeX and
    most Typst signs unescaped, aligns nothing at the decimal point and cannot break a table over pages.
    """

    def __init__(
        self,
        name: str,
        rows: list[tuple[str, str, list[str]]],
        header: list[list[str]],
        *,
        stub: str = "",
        caption: str = "",
        notes: str = "",
        long: bool = False,
        show_groups: bool = False,
        language: str = "en",
        left: tuple[int, ...] = (),
        centred: tuple[str, ...] = (),
    ) -> None:
        """Build from rows (group, label, cells) and header levels, outermost first.

        `left` names columns of text; the numbers of `centred` groups (counts, statistics of a fit) stand in the
        middle of their column instead of at the decimal point of the others.
        """
        self.centred = frozenset(centred)
        self.name, self.header, self.stub, self.long = name, header, stub, long
        self.rows, self.language, self.left = rows, language, frozenset(left)
        width = len(header[-1])
        for group, label, cells in rows:
            if len(cells) != width:
                raise ValueError(f"{name}: row '{group} {label}' has {len(cells)} cells, the header has {width}")
        columns = pd.Index(header[0]) if len(header) == 1 else pd.MultiIndex.from_arrays(header)
        frame = pd.DataFrame([cells for _, _, cells in rows], columns=columns, dtype=object)
        frame.index = pd.MultiIndex.from_tuples([(group, label) for group, label, _ in rows])
        self.show_groups = show_groups
        super().__init__(
            frame,
            notes=notes,
            caption=caption,
            tab_label=f"tab:{name}",
            rgroup_sep="t",
            rgroup_display=show_groups,
        )

    @property
    def groups(self) -> list[tuple[str, list[tuple[str, list[str]]]]]:
        """Return the rows as (group, [(label, cells), ...]) in order."""
        out: list[tuple[str, list[tuple[str, list[str]]]]] = []
        for group, label, cells in self.rows:
            if not out or out[-1][0] != group:
                out.append((group, []))
            out[-1][1].append((label, cells))
        return out

    def split(self, group: str, cell: str) -> tuple[str, str] | None:
        """Split a cell at its decimal point, or return None for words and for groups that are centred."""
        return None if group in self.centred else split_at_point(cell)

    def spanners(self, level: int) -> list[tuple[str, int, int]]:
        """Return a header level as (text, first column, columns spanned), equal neighbours joined."""
        spans: list[tuple[str, int, int]] = []
        for place, text in enumerate(self.header[level]):
            if spans and spans[-1][0] == text:
                spans[-1] = (text, spans[-1][1], spans[-1][2] + 1)
            else:
                spans.append((text, place, 1))
        return spans

    def tex(self) -> str:
        """Return the table as LaTeX that needs booktabs, array and longtable only."""
        return render_tex(self)

    def typst(self) -> str:
        """Return the table as a Typst figure with a repeated header."""
        return render_typst(self)

    def html(self) -> str:
        """Return the table as one HTML document without outside references."""
        body = self._output_gt(gt_style={"table_font_size_all": "15px", "source_notes_font_size": "12px"}).as_raw_html()
        # great_tables draws a random identifier; the table's own name keeps two runs equal byte for byte.
        found = re.search(r'<div id="([a-z]+)"', body)
        body = body.replace(found[1], f"table-{self.name.replace('_', '-')}") if found else body
        if self.stub:
            body = re.sub(r'(<th [^>]*scope="col"[^>]*>)(</th>)', rf"\g<1>{escape.html(self.stub)}\g<2>", body, count=1)
        return (
            f'<!doctype html>\n<html lang="{self.language}">\n<head>\n<meta charset="utf-8">\n'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{escape.html(self.caption)}</title>\n"
            "<style>body{margin:1rem}.point{font-variant-numeric:tabular-nums;white-space:nowrap}"
            ".point>span{display:inline-block}.point>span:first-child{text-align:right}"
            f".point>span:last-child{{text-align:left}}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
        )

    def csv(self) -> str:
        """Return the printed cells as CSV, one header line."""
        heads = [" ".join(dict.fromkeys(filter(None, parts))) for parts in zip(*self.header, strict=True)]
        frame = pd.DataFrame([cells for _, _, cells in self.rows], columns=heads)
        frame.insert(0, self.stub or "row", [label for _, label, _ in self.rows], allow_duplicates=True)
        if self.show_groups:
            frame.insert(0, "group", [group for group, _, _ in self.rows], allow_duplicates=True)
        return frame.to_csv(index=False, lineterminator="\n")

    def write(self, folder: str | Path) -> None:
        """Write NAME.tex, NAME.typ, NAME.docx, NAME.html and NAME.csv into a folder."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        for ending, text in (
            ("tex", self.tex()),
            ("typ", self.typst()),
            ("html", self.html()),
            ("csv", self.csv()),
        ):
            (folder / f"{self.name}.{ending}").write_text(text, encoding="utf-8", newline="\n")
        finish_document(self, folder / f"{self.name}.docx")

    def _translate_symbols(self, text: str, output_format: str) -> str:
        # Signs are handled by the renderers; HTML and Word take Unicode as it is.
        return text

    def _output_gt(self, gt_style: dict[str, object] | None = None, **kwargs: object) -> object:
        plain, self.df = self.df, self._marked()
        try:
            table = super()._output_gt(gt_style=gt_style, **kwargs)
        finally:
            self.df = plain
        raw = _in_spans(table.as_raw_html(), self._widths())
        table.as_raw_html = lambda: raw
        table._repr_html_ = lambda: raw
        return table

    def _output_docx(self, docx_style: dict[str, object] | None = None, **kwargs: object) -> object:
        plain, self.df = self.df, aligned(self)
        caption, self.caption = self.caption, None
        try:
            return super()._output_docx(docx_style=docx_style, **kwargs)
        finally:
            self.df, self.caption = plain, caption

    def _marked(self) -> pd.DataFrame:
        """Return the cells with their number split by private signs, which become spans in HTML."""
        marked = self.df.copy()
        for place in range(marked.shape[1]):
            cells = [_mark(self.split(group, row[place]), row[place], place) for group, _, row in self.rows]
            marked.isetitem(place, cells)
        return marked

    def _widths(self) -> list[tuple[int, int]]:
        """Return for every column the most signs before and after the decimal point."""
        widths = []
        for place in range(len(self.header[-1])):
            parts = [self.split(group, cells[place]) for group, _, cells in self.rows]
            widths.append(
                (
                    max((len(p[0]) for p in parts if p), default=0),
                    max((len(p[1]) for p in parts if p), default=0),
                )
            )
        return widths


_OPEN, _MIDDLE, _CLOSE = "\ue000", "\ue001", "\ue002"


def _mark(parts: tuple[str, str] | None, cell: str, column: int) -> str:
    return f"{_OPEN}{column};{parts[0]}{_MIDDLE}{parts[1]}{_CLOSE}" if parts else cell


def _in_spans(html: str, widths: list[tuple[int, int]]) -> str:
    def span(match: re.Match[str]) -> str:
        before, after = widths[int(match[1])]
        return (
            f'<span class="point"><span style="min-width:{before}ch">{match[2]}</span>'
            f'<span style="min-width:{after}ch">{match[3]}</span></span>'
        )

    return re.sub(rf"{_OPEN}(\d+);([^{_MIDDLE}]*){_MIDDLE}([^{_CLOSE}]*){_CLOSE}", span, html)
