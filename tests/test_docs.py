"""The documentation: its examples run, its links lead somewhere, and the public docstrings hold examples that run."""

from __future__ import annotations

import doctest
import re
from importlib import import_module
from pathlib import Path

import pytest
import ronghe.linear
import ronghe.spatial
from ronghe.models.kinds import KINDS, estimator
from ronghe.provenance import module_path
from ronghe.spatial.equation import MODELS

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md") if "_build" not in path.parts)
EXAMPLES = [path for path in PAGES if ">>> " in path.read_text(encoding="utf-8")]
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


@pytest.mark.parametrize("page", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_of_the_pages_run(page: Path):
    text = re.sub(r"^```.*$", "", page.read_text(encoding="utf-8"), flags=re.M)
    test = doctest.DocTestParser().get_doctest(text, {}, page.name, str(page), 0)
    found = doctest.DocTestRunner(optionflags=FLAGS).run(test)
    assert found.attempted and not found.failed


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_links_lead_to_pages(page: Path):
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_model_has_a_page_with_its_four_parts():
    """Equation, when to use it, an example, and what other packages do; for every model and every class of them."""
    pages = {p.stem: p.read_text(encoding="utf-8") for p in (DOCS / "engine").glob("*.md")}
    titles = {name: text for name, text in pages.items() if "**When**" in text}
    for model in MODELS:
        assert any(model in name.split("_") for name in titles), model
    classes = [name for name in ronghe.spatial.__all__ if isinstance(getattr(ronghe.spatial, name), type)]
    for name in classes:
        assert any(name in text for text in titles.values()) or name.endswith("Result"), name
    for name, text in titles.items():
        for part in ("```text", ">>> ", "**Other packages**"):
            assert part in text, f"{name} lacks {part}"
        assert name in pages["index"].split("toctree")[1].split(), f"{name} is not in the list of pages"


def public() -> dict[str, object]:
    """Return the public names of the engines."""
    return {f"{p.__name__}.{n}": getattr(p, n) for p in (ronghe.spatial, ronghe.linear) for n in p.__all__}


MODULES = sorted({thing.__module__ for thing in public().values()} | {"ronghe.spatial.formula", "ronghe.spatial.face"})


@pytest.mark.parametrize("module", [*MODULES, "ronghe.linear", "ronghe.spatial.restrictions"])
def test_the_examples_of_the_docstrings_run(module: str):
    assert not doctest.testmod(import_module(module), optionflags=FLAGS).failed


def test_every_public_name_has_an_example():
    """In its own docstring or, for a class, in that of a method."""
    finder = doctest.DocTestFinder()
    lacking = [name for name, thing in public().items() if not any(t.examples for t in finder.find(thing, name))]
    assert not lacking


def test_the_table_of_libraries_says_what_the_estimators_say():
    rows = [row for row in (DOCS / "reviewers.md").read_text(encoding="utf-8").splitlines() if row.startswith("| ")]
    named = {kind: "".join(row.split("|")[2] for row in rows if f"`{kind}`" in row.split("|")[1]) for kind in KINDS}
    assert all(named.values()), named
    for kind in KINDS:
        source = module_path(estimator(kind)).read_text(encoding="utf-8")
        found = {name for said in re.findall(r"libraries=\((.*?)\)", source) for name in re.findall(r"\w+", said)}
        found |= {"linearmodels"} if re.search(r"import .*(linear|panel)_estimate", source) else set()
        assert found == {name for name in ("linearmodels", "statsmodels") if name in named[kind]}, kind
