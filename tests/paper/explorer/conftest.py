"""One small dataset, its page, and one browser for all tests of the explorer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from paper.explorer.browser import Browser, running
from paper.explorer.made import make
from ronghe.paper.explorer.page import Given, gather, page


@pytest.fixture(scope="session")
def given(tmp_path_factory: pytest.TempPathFactory) -> Given:
    return make(tmp_path_factory.mktemp("explorer"))


@pytest.fixture(scope="session")
def folder(given: Given) -> Path:
    return Path(given.results).resolve().parents[1] / "paper/made/en"


@pytest.fixture(scope="session")
def gathered(given: Given, folder: Path) -> dict:
    return gather(given, folder)


@pytest.fixture(scope="session")
def written(gathered: dict, folder: Path) -> Path:
    path = folder / "explorer.html"
    path.write_text(page(gathered, "en"), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with running(tmp_path_factory.mktemp("browser")) as started:
        yield started
