"""TeX formulas as MathML, which browsers draw without script."""

import re
from html import escape, unescape
from xml.etree.ElementTree import Element

from latex2mathml.converter import convert_to_element

MAX_FORMULA = 2_000
MAX_DEPTH = 40

# Definitions can double with every line, so a formula that makes any is shown as it was written.
_DEFINITION = re.compile(r"\\(?:g|e|x|future)?(?:def|let|(?:new|renew|provide)command|DeclareMathOperator|csname)(?![A-Za-z])")
_ALIGNED = re.compile(r"(\\(?:begin|end)\s*\{)(?:aligned|alignedat|split)\}")
_TAGS = frozenset(
    "math mrow mi mn mo mtext ms mspace mfrac msqrt mroot msub msup msubsup munder mover munderover mmultiscripts mprescripts none "
    "mtable mtr mtd mstyle mpadded mphantom menclose".split()
)
_VALUES = {
    "display": re.compile(r"inline|block"),
    "displaystyle": re.compile(r"true|false"),
    "scriptlevel": re.compile(r"[+-]?\d"),
    "mathvariant": re.compile(r"[a-z-]{1,24}"),
    "stretchy": re.compile(r"true|false"),
    "fence": re.compile(r"true|false"),
    "separator": re.compile(r"true|false"),
    "largeop": re.compile(r"true|false"),
    "movablelimits": re.compile(r"true|false"),
    "form": re.compile(r"prefix|infix|postfix"),
    "accent": re.compile(r"true|false"),
    "accentunder": re.compile(r"true|false"),
    "columnalign": re.compile(r"[a-z ]{1,80}"),
    "rowspacing": re.compile(r"[0-9.a-z ]{1,40}"),
    "columnspacing": re.compile(r"[0-9.a-z ]{1,40}"),
    "linethickness": re.compile(r"[0-9.a-z]{1,8}"),
    "notation": re.compile(r"[a-z ]{1,40}"),
    "minsize": re.compile(r"[0-9.]{1,4}em"),
    "maxsize": re.compile(r"[0-9.]{1,4}em"),
    "width": re.compile(r"-?\d?(?:\.\d{1,4})?(?:em|ex)|0"),
    "linebreak": re.compile(r"newline"),
}


def mathml(tex: str, *, block: bool) -> str | None:
    """Return `tex` as a `<math>` element, or None when it is too long, too deep or not understood.

    The element holds presentation elements and plain attributes only: no links, styles or classes, whatever `tex` asks for.
    """
    if len(tex) > MAX_FORMULA or _DEFINITION.search(tex) or _depth(tex) > MAX_DEPTH:
        return None
    try:
        tree = convert_to_element(_ALIGNED.sub(r"\1align*}", tex), display="block" if block else "inline")
        return _written(tree, 0)
    except Exception:
        # The converter raises many kinds of errors on malformed input, IndexError and KeyError among them.
        return None


def _depth(tex: str) -> int:
    """Return how deep braces, environments and delimiters nest; commands that take the next token count as one level each."""
    deepest = depth = 0
    for mark in re.finditer(r"\\(?:begin|end|left|right)(?![A-Za-z])|\\.|[{}]", tex):
        if mark[0] in ("{", r"\begin", r"\left"):
            depth += 1
            deepest = max(deepest, depth)
        elif mark[0] in ("}", r"\end", r"\right"):
            depth = max(0, depth - 1)
    return deepest


def _written(element: Element, level: int) -> str:
    # The converter writes text as it found it, markup included; the only markup that leaves here is made here.
    if level > 4 * MAX_DEPTH:
        raise ValueError("too deep")
    inside = _text(element.text) + "".join(_written(child, level + 1) + _text(child.tail) for child in element)
    if element.tag not in _TAGS:
        return inside
    attributes = "".join(
        f' {name}="{value}"' for name, value in element.attrib.items() if name in _VALUES and _VALUES[name].fullmatch(value)
    )
    return f"<{element.tag}{attributes}>{inside}</{element.tag}>"


def _text(text: str | None) -> str:
    return escape(unescape(text), quote=False) if text else ""
