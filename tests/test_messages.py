"""Every message of the command and of the stages' refusals has its Chinese text, found again in what was said."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest
from ronghe.messages import UNTRANSLATED, catalogue, said
from ronghe.provenance import ROOT
from ronghe.yaml_files import load_yaml

# What is said by way of one of these is a message, beside the refusals: guesses and unread tables of `ronghe new`,
# lines of `trace` and `compare`, and how far a long job is.
SAYING = ("told", "step")
KEPT = ("guesses.append", "unread.append")
PLACE = re.compile(r"\{\d+\}")


def template(node: ast.expr, count: list[int]) -> str:
    """Return a message as its template: what an f-string fills in becomes {1}, {2} ..."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return template(node.left, count) + template(node.right, count)
    if isinstance(node, ast.JoinedStr):
        return "".join(template(part, count) for part in node.values)
    count[0] += 1
    return f"{{{count[0]}}}"


def templates() -> Iterator[tuple[str, str]]:
    """Yield (module, template) of every RongheError, and of everything else that a command says."""
    for path in sorted(ROOT.rglob("*.py")):
        module = path.relative_to(ROOT).with_suffix("").as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            called = ast.unparse(node.func)
            if called == "RongheError" or called.endswith(KEPT) and module.startswith("command"):
                yield module, template(node.args[0], [0])
            elif called in SAYING and module != "messages":
                for text in alternatives(node.args[-1]):
                    yield module, template(text, [0])


def alternatives(node: ast.expr) -> list[ast.expr]:
    """Return both texts of a choice of two, otherwise the text itself."""
    return [node.body, node.orelse] if isinstance(node, ast.IfExp) else [node]


def wordless(text: str) -> bool:
    """Say whether a template only hands on what others say, such as {1}: {2}, or a path."""
    return not re.search("[a-z]{3}", PLACE.sub("", text).replace("dataset", "").replace("str(error)", ""))


def test_every_message_has_its_chinese_text():
    known = catalogue("zh")
    # A guess about one table is printed behind the name of its file.
    absent = [
        (module, text) for module, text in templates() if not wordless(text) and not {text, shifted(text)} & set(known)
    ]
    assert absent == []


def test_no_message_is_translated_twice():
    for path in ROOT.rglob("*.yaml"):
        load_yaml(path)


def shifted(text: str) -> str:
    """Return a template behind a place: {1} becomes {2}, and so on."""
    return "{1}: " + PLACE.sub(lambda found: f"{{{int(found[0][1:-1]) + 1}}}", text)


@pytest.mark.parametrize("english", sorted(catalogue("zh")))
def test_a_message_is_found_again_with_all_that_it_fills_in(english: str):
    chinese = catalogue("zh")[english]
    assert sorted(PLACE.findall(english)) == sorted(set(PLACE.findall(chinese)) & set(PLACE.findall(english)))
    filled = said(PLACE.sub(lambda found: f"X{found[0][1:-1]}", english), "zh")
    assert filled == PLACE.sub(lambda found: f"X{found[0][1:-1]}", chinese)


def test_a_message_without_translation_is_marked_and_others_are_left_alone():
    assert said("this engine has no such thing", "zh") == UNTRANSLATED["zh"] + "this engine has no such thing"
    assert said("this engine has no such thing", "en") == "this engine has no such thing"


def test_places_before_a_message_and_pieces_inside_it_are_kept():
    text = "a.yaml: tables.t: unknown variable 'gpd'; did you mean 'gdp'? (allowed: gdp, pop and 7 more)"
    assert said(text, "zh") == "a.yaml: tables.t：未知的变量“gpd”；是不是“gdp”？（允许：gdp, pop 等，另有 7 个）"
    text = "dataset own: checks.jobs: 'x' has no figure in 2013; mend the year"
    assert said(text, "zh") == "dataset own：checks.jobs：“x”在 2013 没有数字；请改正年份"
