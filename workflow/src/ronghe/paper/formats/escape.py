"""Text that cannot be mistaken for markup in TeX, Typst or HTML."""

from __future__ import annotations

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
    "²": "$^2$",
    "³": "$^3$",
    "\N{COMBINING CIRCUMFLEX ACCENT}": "",
}


def has_chinese(text: str) -> bool:
    """Say whether a text holds Chinese signs, which need a font of their own."""
    return any("\u3000" <= sign <= "\u9fff" or "\uff00" <= sign <= "\uffef" for sign in text)


def tex(text: str) -> str:
    """Escape text for LaTeX; signs that plain LaTeX lacks become mathematics."""
    return "".join(_TEX.get(sign, sign) for sign in text).replace("[", "{[}").replace("]", "{]}")


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
