"""What sentences claim follows the results: with other numbers the article says otherwise, or is not built."""

from __future__ import annotations

import html
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from ronghe.errors import RongheError
from ronghe.paper.manuscript import evaluate, write_word
from ronghe.paper.numbers import number, to_typst

typst = pytest.importorskip("typst")
T, SERVICES = "coagglomeration.index", "services_manufacturing.coordination"
TERMS = [T, f"{T}^2", f"{T}[early]", f"{T}[late]", f"F1.{T}", "rho", "indirect", "total", "log_gdp_per_head", SERVICES]
TERMS += [f"{T}[y{year}]" for year in range(2013, 2021)]
TERMS += [f"{T}:technology_market_share", "services_manufacturing_clean.coordination"]
TESTS = [f"equal in all groups: {T}", "Wooldridge serial correlation"]
# What is no text of a paragraph, in Word neither.
MARKS = re.compile(r"<math.*?</math>|<[^>]*>", re.S)
# Cells in which a claim compares several; all others are one.
CELLS = {
    "beijing_first": 4, "henan_last": 0.66, "yunnan_last": 0.66, "quality_first": 0.2, "quality_last": 0.5,
    "coagglomeration_first": 2.6, "coagglomeration_last": 2.6, "integration_within": -0.01, "integration_between": 0.02,
    "effective_f_lag": 9, "effective_f_lag_critical": 23, "effective_f_shift": 12, "effective_f_shift_critical": 20,
    "standardised_clean": 0.1, "standardised_shared": 0.4, "family_p": 0.4, "family_holm": 0.5,
    "balance_urbanisation": 0.02, "detectable_home": 0.6,
}  # fmt: skip


def estimate(value: float, half: float = 0.2) -> dict:
    """Return an estimate with an interval of this half-length."""
    numbers = {"estimate": value, "std_error": half / 2, "statistic": 2 * value / half, "lower": value - half,
               "upper": value + half}  # fmt: skip
    return {key: number(x) for key, x in numbers.items()} | {"pvalue": number(0.5, form="pvalue")}


class Article:
    """The article of one language with invented numbers, of which some can be changed."""

    def __init__(self, folder: Path, project: Path, language: str) -> None:
        self.folder, self.language = folder, language
        (folder / "text").mkdir()
        for name in ("paper.typ", "template.typ", "quote.typ", "references.bib", f"text/{language}.typ"):
            shutil.copy(project / "paper" / name, folder / name)
        text = (folder / f"text/{language}.typ").read_text(encoding="utf-8")
        self.names = {kind: set(re.findall(rf'#{kind}-of\("(\w+)"', text)) for kind in ("table", "figure")}
        self.invented = {name: CELLS.get(name, 1) for name in self._cells(text)}
        effects = {"direct": estimate(0.05), "indirect": estimate(0.05), "total": estimate(0.1)}
        terms = {term: estimate(0.1) for term in TERMS} | {"log_gdp_per_head": estimate(0.3)}
        tests = {name: {"statistic": number(9.0), "pvalue": number(0.01, form="pvalue")} for name in TESTS}
        self.base = {"terms": terms, "impacts": {T: effects}, "tests": tests, "fit": {}}
        self.specifications = self._specifications(text)
        self.heard: dict[str, str] = {}
        self.begin()
        for name in self.names["table"]:
            (folder / "tables").mkdir(exist_ok=True)
            stub = f'#figure(table[x], kind: table, caption: "{name}") <tab:{name}>'
            (folder / "tables" / f"{name}.typ").write_text(stub, encoding="utf-8")

    def begin(self) -> None:
        """Forget what a test changed."""
        self.cells, self.fits = dict(self.invented), {}

    @staticmethod
    def _cells(text: str) -> set[str]:
        found = set(re.findall(r'(?:cell|value-of|in-words|region-zh)\("(\w+)"', text))
        return found | {name for pair in re.findall(r'with-ends\("(\w+)", "(\w+)"', text) for name in pair}

    @staticmethod
    def _specifications(text: str) -> set[str]:
        quoted = set(re.findall(r'"([a-z]\w+)"', text))
        return {name for name in quoted if "_" in name or name == "baseline"}

    def numbers(self) -> str:
        """Return the numbers as they are in the form that the article reads."""
        texts = {"first_region", "threshold_first_region"}
        texts |= {f"{a}_{b}" for a in ("quality", "node") for b in ("top", "second", "third")}
        spread = {key: number(x) for key, x in {"sd": 0.1, "sd_within": 0.07, "sd_between": 0.4}.items()}
        facts = dict.fromkeys(("panel", "code", "seed"), "x") | {"data": "2020", "first": "2013", "years": "8"}
        content = {
            "base": self.base,
            "changed": self.fits,
            "panel": {T: spread, "manufacturing_quality.index": spread},
            "cells": {n: number("Beijing", form="text") if n in texts else number(x) for n, x in self.cells.items()},
            "facts": facts | {"regions": "30", "observations": "240"},
            "captions": {name: {"caption": name, "notes": None} for name in self.names["figure"]},
        }
        lines = [f"#let {name} = {to_typst(part) if part else '(:)'}" for name, part in content.items()]
        fits = (f'"{name}": base + changed.at("{name}", default: (:))' for name in sorted(self.specifications))
        return "\n".join([*lines, f"#let fits = ({', '.join(fits)})"])

    def said(self) -> str:
        """Return the text of the article with the numbers as they are; what was asked before is not set again."""
        numbers = self.numbers()
        if numbers not in self.heard:
            (self.folder / "numbers.typ").write_text(numbers, encoding="utf-8")
            page = evaluate(self.folder / "paper.typ", self.folder, self.language)
            self.heard[numbers] = html.unescape(MARKS.sub("", page.partition("</head>")[2]))
        return self.heard[numbers]


@pytest.fixture(scope="module")
def articles(tmp_path_factory: pytest.TempPathFactory, project: Path) -> dict[str, Article]:
    return {language: Article(tmp_path_factory.mktemp(language), project, language) for language in ("en", "zh")}


@pytest.fixture(params=["en", "zh"])
def article(request, articles: dict[str, Article]) -> Article:
    articles[request.param].begin()
    return articles[request.param]


def words(article: Article, english: str, chinese: str) -> str:
    return chinese if article.language == "zh" else english


def test_the_word_manuscript_says_what_the_article_says(article: Article) -> None:
    """Every heading and paragraph of the whole article; spaces aside."""
    from docx import Document
    from PIL import Image

    (article.folder / "figures").mkdir()
    table = Document()
    table.add_table(rows=1, cols=1)
    for name in article.names["table"]:
        table.save(article.folder / "tables" / f"{name}.docx")
    for name in article.names["figure"]:
        Image.new("RGB", (4, 4)).save(article.folder / "figures" / f"{name}.png")
    said = "".join(article.said().split())
    path = article.folder / "paper.docx"
    write_word(article.folder / "paper.typ", path, article.language)
    written = ["".join(paragraph.text.split()) for paragraph in Document(path).paragraphs]
    assert sum(map(len, written)) > len(said) / 2
    assert all(text in said for text in written)


def test_weak_instruments_are_called_so_only_while_they_are(article: Article) -> None:
    assert words(article, "Both fall short", "均低于临界值") in article.said()
    article.cells["effective_f_lag"] = 30
    assert words(article, "One of them falls short", "其一低于临界值") in article.said()
    article.cells["effective_f_shift"] = 30
    assert words(article, "Both are strong", "均高于临界值") in article.said()


def test_no_treatment_stands_out_only_while_none_does(article: Article) -> None:
    none = words(article, "none stands out", "没有一个突出")
    assert none in article.said()
    article.cells["family_holm"] = 0.01
    assert none not in article.said()


def test_yearly_slopes_are_a_drift_only_while_they_rise(article: Article) -> None:
    drift = words(article, "This is a drift", "持续的漂移")
    assert drift not in article.said()
    slopes = {f"{T}[y{year}]": estimate(0.01 * (year - 2016)) for year in range(2013, 2021)}
    article.fits["groups_years"] = {"terms": article.base["terms"] | slopes}
    assert drift in article.said()


def test_tianjin_decides_the_sign_only_while_it_turns(article: Article) -> None:
    turns = words(article, "decides the sign", "取决于天津")
    assert turns not in article.said()
    article.fits["spatial_sdm_without_tianjin"] = {"impacts": {T: {"total": estimate(-0.1)}}}
    assert turns in article.said()


def spillover(value: float, half: float = 0.2) -> dict:
    return {"impacts": {T: {effect: estimate(value, half) for effect in ("direct", "indirect", "total")}}}


def test_matrices_find_opposite_spillovers_only_while_both_are_clear(article: Article) -> None:
    opposite = words(
        article, "the one that neighbours gain, the other that they lose", "一种是邻近地区受益，另一种是受损"
    )
    abstract = words(article, "among the four nearest provinces and", "在最近四个省份之间显著为正")
    end = words(article, "other matrices give clear answers of either sign", "可得到方向相反的显著结果")
    assert not any(claim in article.said() for claim in (opposite, abstract, end))
    article.fits |= {"spatial_sdm_knn4": spillover(0.3), "spatial_sdm_economic": spillover(-0.3)}
    said = article.said()
    assert all(claim in said for claim in (opposite, abstract, end))
    article.fits["spatial_sdm_economic"] = spillover(-0.1)
    assert not any(claim in article.said() for claim in (opposite, abstract, end))


def test_software_marks_the_total_effect_only_while_its_textbook_interval_leaves_zero_out(article: Article) -> None:
    marked = words(article, "which most software would mark", "多数软件会将其标为显著")
    assert marked not in article.said()
    article.fits["spatial_sdm_expected"] = spillover(0.1, half=0.05)
    assert marked in article.said()


def test_the_drift_of_rates_ends_in_2016_only_while_the_slope_stays(article: Article) -> None:
    ends = words(article, "thus ends in 2016", "增速的分化止于 2016 年")
    slopes = {"2013": -0.4, "2016": -0.15, "2020": -0.14}
    terms = {f"{T}[y{year}]": estimate(value) for year, value in slopes.items()}
    article.fits["groups_years_log"] = {"terms": article.base["terms"] | terms}
    assert ends in article.said()
    article.fits["groups_years_log"]["terms"] |= {f"{T}[y2020]": estimate(0.1)}
    assert ends not in article.said()


def test_a_hausman_test_rejects_random_effects_only_while_it_does(article: Article) -> None:
    rejects = words(article, "which a Hausman test rejects", "Hausman 检验拒绝")
    article.cells["hausman_baseline"] = 0.3
    assert rejects not in article.said()
    article.cells["hausman_baseline"] = 0.03
    assert rejects in article.said()


def test_income_goes_against_productivity_only_while_it_does(article: Article) -> None:
    against = words(article, ", negative. The interval", "，符号为负")
    assert against not in article.said()
    article.fits["robust_productivity"] = {"terms": article.base["terms"] | {"log_gdp_per_head": estimate(-0.5)}}
    assert against in article.said()


def test_the_list_of_studies_says_what_the_text_counts(project: Path) -> None:
    """The text counts eight studies with a spatial model, four spillovers of one direction and two of the opposite."""
    studies = pd.read_csv(project / "data" / "raw" / "published_studies.csv", keep_default_na=False).set_index("study")
    assert 10 <= len(studies) <= 15 and (studies != "").all().all()
    spatial = studies[studies["estimator"].str.contains("patial|SDM") | (studies["weights"] != "None")]
    same = spatial["finding"].str.contains("here and next door|spillover larger") & ~spatial["finding"].str.contains(
        "opposite"
    )
    opposite = spatial["finding"].str.contains("opposite|− from")
    assert (len(spatial), same.sum(), opposite.sum()) == (8, 4, 2)


@pytest.mark.parametrize(
    "change",
    [
        {"beijing_last": 3.9},
        {"henan_last": 0.95},
        {"quality_last": 0.21},
        {"coagglomeration_last": 3.4},
        {"integration_within": 0.01},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_claim_that_no_longer_holds_stops_the_build(article: Article, change: dict) -> None:
    article.said()
    article.cells |= change
    with pytest.raises(RongheError, match="write this sentence anew"):
        article.said()


@pytest.mark.parametrize("part", ["terms", "impacts", "tests", "income"])
def test_the_findings_of_the_conclusion_stop_the_build_when_they_change(article: Article, part: str) -> None:
    clear = estimate(0.5)
    change = {
        "terms": ("baseline", {"terms": article.base["terms"] | {T: clear}}),
        "impacts": ("spatial_sdm", {"impacts": {T: article.base["impacts"][T] | {"total": clear}}}),
        "income": ("baseline", {"terms": article.base["terms"] | {"log_gdp_per_head": estimate(0.1)}}),
        "tests": (
            "diagnostics_baseline",
            {"tests": {name: {"statistic": number(0.1), "pvalue": number(0.9)} for name in TESTS}},
        ),
    }
    name, fit = change[part]
    article.fits[name] = fit
    with pytest.raises(RongheError, match="write this sentence anew"):
        article.said()
