"""Text that cannot be mistaken for markup in TeX, Typst or HTML, or for a formula in a spreadsheet."""

from __future__ import annotations

import re
import unicodedata

_TEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": "$<$",
    ">": "$>$",
    "|": "$|$",
    '"': "''",
    "\N{MINUS SIGN}": "$-$",
    "–": "--",
    "—": "---",
    "×": r"$\times$",
    "·": r"$\cdot$",
    "±": r"$\pm$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "≈": r"$\approx$",
    "≠": r"$\neq$",
    "°": r"$^\circ$",
    "…": r"\ldots{}",
    "∞": r"$\infty$",
    "→": r"$\rightarrow$",
    "Δ": r"$\Delta$",
    "α": r"$\alpha$",
    "β": r"$\beta$",
    "γ": r"$\gamma$",
    "θ": r"$\theta$",
    "λ": r"$\lambda$",
    "μ": r"$\mu$",
    "ρ": r"$\rho$",
    "σ": r"$\sigma$",
    "τ": r"$\tau$",
    "φ": r"$\phi$",
    "χ": r"$\chi$",
    "ψ": r"$\psi$",
    "Γ": r"$\Gamma$",
    "Λ": r"$\Lambda$",
    "Σ": r"$\Sigma$",
    "Φ": r"$\Phi$",
    "Ω": r"$\Omega$",
    "δ": r"$\delta$",
    "ε": r"$\varepsilon$",
    "η": r"$\eta$",
    "κ": r"$\kappa$",
    "ν": r"$\nu$",
    "π": r"$\pi$",
    "ω": r"$\omega$",
    "∈": r"$\in$",
    "∑": r"$\sum$",
    "√": r"$\surd$",
    "∂": r"$\partial$",
    "←": r"$\leftarrow$",
    "‰": r"\textperthousand{}",
    "€": r"\texteuro{}",
    "“": "``",
    "”": "''",
    "‘": "`",
    "’": "'",
    "\N{NO-BREAK SPACE}": "~",
    "\N{NARROW NO-BREAK SPACE}": r"\,",
    "\N{THIN SPACE}": r"\,",
    "\N{FIGURE SPACE}": "~",
    "²": "$^2$",
    "³": "$^3$",
    "₁": "$_1$",
    "₂": "$_2$",
    "\N{COMBINING CIRCUMFLEX ACCENT}": "",
}


_BREAKS = re.compile("[\t-\r\x1c-\x1f\x85\u2028\u2029]+ *")
_FORMULA = re.compile(r"(?:[=@\t\r]|[+-](?![\d.,]+(?:e[+-]?\d+)?[*%]*$)).", re.DOTALL)


def spreadsheet(text: str) -> str:
    """Return the text of a cell with an apostrophe before what a spreadsheet would take for a formula."""
    return f"'{text}" if _FORMULA.match(str(text)) else text


def has_chinese(text: str) -> bool:
    """Say whether a text holds Chinese signs, which need a font of their own."""
    return any("\u3000" <= sign <= "\u9fff" or "\uff00" <= sign <= "\uffef" for sign in text)


def tex(text: str) -> str:
    """Escape text for LaTeX; signs that plain LaTeX lacks become mathematics."""
    # A blank line would end the paragraph, which no caption may hold.
    text = unicodedata.normalize("NFC", _BREAKS.sub(" ", text))
    return "".join(_TEX.get(sign) or _plain(sign) for sign in text).replace("[", "{[}").replace("]", "{]}")


def _plain(sign: str) -> str:
    """Return a sign that LaTeX knows, or the number of one that it does not, at which it would stop."""
    if ord(sign) <= 0x17F or has_chinese(sign):
        return "" if unicodedata.category(sign)[0] == "C" else sign
    return "" if unicodedata.category(sign) in ("Cf", "Mn") else rf"\texttt{{U+{ord(sign):04X}}}"


def typst(text: str) -> str:
    """Return text as a Typst string literal, in which nothing is markup."""
    inner = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{inner}"'


def html(text: str) -> str:
    """Escape text for an HTML element or attribute."""
    out = text
    for sign, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&#x27;")):
        out = out.replace(sign, entity)
    return out
