"""The gallery shows every kind of figure, by the entries that the configuration has now."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from ronghe.errors import RongheError
from ronghe.paper.draw_figure import KINDS
from ronghe.paper.gallery import ENTRIES, MARK, PAGE, PICTURES, gallery, mark, picture, shown, texts
from ronghe.provenance import ROOT

AGAIN = "after `make`, run: python -m ronghe.paper.gallery"


@pytest.fixture(scope="module")
def source(project: Path) -> str:
    return (project / ENTRIES).read_text(encoding="utf-8")


def test_the_page_is_that_of_the_configuration(project: Path, source: str):
    page = gallery(source, ROOT / "paper" / "figures")
    assert (project / PAGE).read_text(encoding="utf-8") == page, AGAIN
    assert set(shown(source)) == set(KINDS), "every kind that can be drawn has an entry to show"


def test_the_entries_are_those_that_yaml_reads(source: str):
    """What stands between one name and the next is that entry and no other."""
    entries = yaml.safe_load(source)["figures"]
    assert list(texts(source)) == list(entries)
    for name, text in texts(source).items():
        if "*" not in text:
            assert yaml.safe_load(text) == {name: entries[name]}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_picture_is_that_of_its_entry(project: Path, source: str, kind: str):
    path = project / PICTURES / f"{kind}.png"
    with Image.open(path) as image:
        assert image.text[MARK] == mark(texts(source)[shown(source)[kind]]), AGAIN
        assert image.width > 400 and np.asarray(image.convert("L")).std() > 5
    assert path.stat().st_size < 70_000


def test_a_figure_that_is_not_drawn_is_named(tmp_path: Path):
    with pytest.raises(RongheError, match="not drawn yet; make it with: snakemake"):
        picture(tmp_path / "absent.png", "", tmp_path / "small.png")
