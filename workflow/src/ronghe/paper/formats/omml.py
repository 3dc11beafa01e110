"""Equations for Word: presentation MathML, as Typst writes it, to the mathematics of Office Open XML."""

from __future__ import annotations

import unicodedata

from docx.oxml import OxmlElement
from docx.oxml.ns import nsmap, qn
from docx.oxml.xmlchemy import BaseOxmlElement
from lxml import etree

from ronghe.errors import RongheError

nsmap.setdefault("m", "http://schemas.openxmlformats.org/officeDocument/2006/math")

_OPENING = {"(": ")", "[": "]", "{": "}", "|": "|", "‖": "‖"}
_SUMS = "∑∏∫"
_SCRIPTS = {
    "msub": ("sSub", "e", "sub"),
    "msup": ("sSup", "e", "sup"),
    "msubsup": ("sSubSup", "e", "sub", "sup"),
    "mfrac": ("f", "num", "den"),
    "munder": ("limLow", "e", "lim"),
    "mover": ("limUpp", "e", "lim"),
}
_WRAPPERS = ("math", "mrow", "mstyle", "mpadded", "semantics")


def equation(math: etree._Element) -> BaseOxmlElement:
    """Return a `math` element as m:oMath."""
    return _filled("oMath", _members(math))


def _filled(name: str, content: list[BaseOxmlElement]) -> BaseOxmlElement:
    element = OxmlElement(f"m:{name}")
    element.extend(content)
    return element


def _value(name: str, value: str) -> BaseOxmlElement:
    element = OxmlElement(f"m:{name}")
    element.set(qn("m:val"), value)
    return element


def _members(parent: etree._Element) -> list[BaseOxmlElement]:
    """Return the children of a row; a sum takes what follows it as its body."""
    children = list(parent)
    texts = [(child.text or "") if child.tag == "mo" else "" for child in children]
    if len(children) > 2 and texts[0] in _OPENING and texts[-1] == _OPENING[texts[0]]:
        properties = _filled("dPr", [_value("begChr", texts[0]), _value("endChr", texts[-1])])
        return [_filled("d", [properties, _filled("e", _row(children[1:-1]))])]
    return _row(children)


def _row(children: list[etree._Element]) -> list[BaseOxmlElement]:
    out: list[BaseOxmlElement] = []
    rest = list(children)
    while rest:
        child = rest.pop(0)
        base = child if child.tag == "mo" else child[0] if len(child) else None
        if base is not None and (base.text or "").strip() in _SUMS and (base.text or "").strip():
            out.append(_sum(child, base, [rest.pop(0)] if rest else []))
        else:
            out += _one(child)
    return out


def _sum(child: etree._Element, base: etree._Element, body: list[etree._Element]) -> BaseOxmlElement:
    limits = list(child[1:]) if child is not base else []
    over = child.tag in ("mover", "msup")
    sub, sup = ([], limits) if over else (limits[:1], limits[1:])
    properties = [_value("chr", base.text.strip()), _value("limLoc", "undOvr" if child.tag[1:2] in "uo" else "subSup")]
    properties += [_value(f"{name}Hide", "1") for name, given in (("sub", sub), ("sup", sup)) if not given]
    parts = [_filled(name, _row(given)) for name, given in (("sub", sub), ("sup", sup), ("e", body))]
    return _filled("nary", [_filled("naryPr", properties), *parts])


def _one(child: etree._Element) -> list[BaseOxmlElement]:
    tag = child.tag
    if tag in ("mi", "mn", "mo", "mtext"):
        return [_run(child.text or "", words=tag == "mtext")]
    if tag == "mspace":
        return []
    if tag in _WRAPPERS:
        return _members(child)
    if tag == "msqrt":
        hidden = _filled("radPr", [_value("degHide", "1")])
        return [_filled("rad", [hidden, OxmlElement("m:deg"), _filled("e", _members(child))])]
    if tag == "mroot":
        return [_filled("rad", [_filled("deg", _one(child[1])), _filled("e", _one(child[0]))])]
    if tag in _SCRIPTS:
        name, *parts = _SCRIPTS[tag]
        return [_filled(name, [_filled(part, _one(c)) for part, c in zip(parts, child, strict=True)])]
    raise RongheError(f"equation for Word: the element <{tag}> is not known; add it to ronghe/paper/formats/omml.py")


def _run(text: str, words: bool) -> BaseOxmlElement:
    """Return letters with their style: Unicode's slanted and bold letters become plain ones that are set so."""
    style = "p"
    if text and not words:
        name = unicodedata.name(text[0], "")
        bold, italic = "BOLD" in name, "ITALIC" in name
        style = "bi" if bold and italic else "b" if bold else "i" if italic else "p"
    letters = OxmlElement("m:t")
    letters.text = unicodedata.normalize("NFKC", text) if style != "p" else text
    letters.set(qn("xml:space"), "preserve")
    properties = [OxmlElement("m:nor")] if words else [_value("sty", style)]
    return _filled("r", [_filled("rPr", properties), letters])
