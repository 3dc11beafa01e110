"""The page as a file: alone, safe with any name, the same bytes every time, its libraries as they were received."""

from __future__ import annotations

import base64
import copy
import hashlib
import re
import tomllib
from pathlib import Path

import pytest
from paper.explorer.made import held
from ronghe.errors import RongheError
from ronghe.paper.declaration import page_files
from ronghe.paper.explorer import page as page_module
from ronghe.paper.explorer.book import read_words
from ronghe.paper.explorer.page import HERE, PROGRAM, VENDORED, gather, page, vendored

HOSTILE = [
    "</script><script>document.title='taken'</script>",
    "<!--<script>",
    "{{SCRIPTS}}",
    "<img src=x onerror=alert(1)>",
]


def test_nothing_comes_from_outside(written: Path) -> None:
    text = written.read_text(encoding="utf-8")
    assert not re.search(r"<(link|img|iframe|object|embed)\b|\bsrc=|@import|url\(", text.split('id="data"')[0])
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)[1]
    assert policy.startswith("default-src 'none'; script-src 'sha256-") and "connect-src" not in policy
    assert "unsafe-eval" not in policy and "'unsafe-inline'" not in policy.split("style-src")[0]
    own = "".join((HERE / f"{name}.js").read_text(encoding="utf-8") for name in PROGRAM)
    own = re.sub(r"http://www\.w3\.org/(2000/svg|1999/xlink)", "", own)
    assert not re.search(r"fetch\(|XMLHttpRequest|WebSocket|eval\(|innerHTML|insertAdjacentHTML|\.write\(|https?:", own)


def test_the_policy_names_each_script_and_no_other(written: Path) -> None:
    text = written.read_text(encoding="utf-8")
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    sums = {base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts}
    assert len(scripts) == 3 and sums == set(re.findall(r"'sha256-([^']+)'", text))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_data(gathered: dict, name: str) -> None:
    data = copy.deepcopy(gathered)
    data["regions"][0]["name"] = [name, name]
    text = page(data, "en")
    inside = text.split('id="data">')[1].split("</script>")[0]
    assert "<" not in inside and held(text)["regions"][0]["name"] == [name, name]
    assert text.count("<script>") == 3


def test_two_runs_write_the_same_bytes(given, folder: Path, gathered: dict) -> None:
    assert page(gather(given, folder), "en") == page(gathered, "en")


def test_libraries_are_as_they_were_received(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    versions = (HERE / "vendor/VERSIONS").read_text(encoding="utf-8")
    for name in VENDORED:
        assert vendored(name) and name in versions
    assert {"LICENSE.d3", "LICENSE.plot"} <= {path.name for path in (HERE / "vendor").iterdir()}
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor/SHA256SUMS").write_text((HERE / "vendor/SHA256SUMS").read_text())
    (tmp_path / "vendor/d3.min.js").write_text(vendored("d3.min.js") + " ")
    monkeypatch.setattr(page_module, "HERE", tmp_path)
    with pytest.raises(RongheError, match="not the file that SHA256SUMS names"):
        vendored("d3.min.js")


def test_every_word_that_the_program_uses_is_there_in_both_languages() -> None:
    words = read_words()
    used = {word for name in PROGRAM for word in re.findall(r'\bt\("(\w+)"', (HERE / f"{name}.js").read_text("utf-8"))}
    views = [name for name in PROGRAM if "views.push(" in (HERE / f"{name}.js").read_text("utf-8")]
    used |= {f"{kind}_{view}" for kind in ("view", "asks") for view in views}
    assert used and not used - set(words)
    assert all(set(word) == {"en", "zh"} and all(word.values()) for word in words.values())
    for key, word in words.items():
        assert sorted(re.findall(r"\{\d\}", word["zh"])) == sorted(re.findall(r"\{\d\}", word["en"])), key


def test_the_parts_are_in_the_package_and_named_by_the_rule(project: Path) -> None:
    listed = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["package-data"]
    patterns = listed["ronghe.paper.explorer"]
    parts = [path for path in HERE.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")]
    assert len(parts) > 15 and all(any(path.match(pattern) for pattern in patterns) for path in parts)
    assert {Path(path).resolve() for path in page_files()} == {path.resolve() for path in parts}


def test_a_page_without_a_place_for_its_parts_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_module, "_read", lambda name: "<p>{{STYLE}}</p>" if name == "page.html" else "")
    monkeypatch.setattr(page_module, "vendored", lambda name: "")
    with pytest.raises(RongheError, match="its places are STYLE"):
        page({}, "en")
