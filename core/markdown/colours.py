"""Code blocks in the colours of the design."""

import time
from collections.abc import Iterator
from functools import cache
from html import escape

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Keyword, Name, Number, Operator, String, _TokenType

MAX_COLOURED = 50_000
MAX_LINE = 2_000

# Only these lexers run on strangers' text: they are in wide use, and their patterns are linear in practice.
_LEXERS = {
    "bash": "bash sh shell zsh",
    "batch": "batch bat cmd",
    "bibtex": "bibtex bib",
    "c": "c h",
    "cmake": "cmake",
    "console": "console shell-session",
    "cpp": "cpp c++ cc hpp",
    "csharp": "csharp cs c#",
    "css": "css",
    "cuda": "cuda cu",
    "diff": "diff patch",
    "docker": "docker dockerfile",
    "go": "go golang",
    "html": "html htm",
    "ini": "ini cfg conf",
    "java": "java",
    "javascript": "javascript js jsx node",
    "json": "json jsonl json5 jsonc",
    "julia": "julia jl",
    "kotlin": "kotlin kt",
    "lua": "lua",
    "make": "make makefile",
    "markdown": "markdown md",
    "powershell": "powershell ps1",
    "properties": "properties env dotenv",
    "protobuf": "protobuf proto",
    "pycon": "pycon",
    "python": "python py python3 py3",
    "r": "r",
    "ruby": "ruby rb",
    "rust": "rust rs",
    "scala": "scala",
    "sql": "sql",
    "swift": "swift",
    "tex": "tex latex",
    "toml": "toml",
    "typescript": "typescript ts tsx",
    "xml": "xml svg",
    "yaml": "yaml yml",
}
_ALIAS = {alias: lexer for lexer, aliases in _LEXERS.items() for alias in aliases.split()}
_CLASSES: tuple[tuple[_TokenType, str], ...] = (
    (Comment, "tok-c"),
    (String, "tok-s"),
    (Number, "tok-n"),
    (Keyword.Constant, "tok-n"),
    (Keyword, "tok-w"),
    (Operator.Word, "tok-w"),
    (Name.Tag, "tok-k"),
    (Name.Attribute, "tok-k"),
    (Name.Property, "tok-k"),
    (Name.Function, "tok-f"),
    (Name.Class, "tok-f"),
    (Name.Decorator, "tok-f"),
)


def coloured(code: str, language: str, *, seconds: float = 0.25) -> str:
    """Return `code` as escaped HTML with `tok-*` spans; plain when the language is unknown or the code too long.

    When lexing takes longer than `seconds` of processor time, the rest stays plain.
    """
    alias = _ALIAS.get(language.lower())
    if alias is None or len(code) > MAX_COLOURED or any(len(line) > MAX_LINE for line in code.split("\n")):
        return escape(code, quote=False)
    return "".join(
        f'<span class="{name}">{escape(piece, quote=False)}</span>' if name else escape(piece, quote=False)
        for name, piece in pieces(lexer_named(alias), code, seconds)
        if piece
    )


def pieces(lexer: Lexer, code: str, seconds: float) -> Iterator[tuple[str, str]]:
    """Yield (class, text) for all of `code`; a name right before a bracket is a call.

    When lexing takes longer than `seconds` of processor time, the rest comes as one plain piece.
    """
    until = time.thread_time() + seconds
    done, of_class, waiting = 0, "", ""
    for position, kind, value in lexer.get_tokens_unprocessed(code):
        name = _class_of(kind)
        if name != of_class or of_class == "name":
            called = of_class == "name" and value.startswith("(")
            yield ("tok-f" if called else "" if of_class == "name" else of_class), waiting
            waiting, of_class = "", name
        waiting += value
        done = position + len(value)
        if time.thread_time() > until:
            break
    yield "" if of_class == "name" else of_class, waiting
    if done < len(code):
        yield "", code[done:]


@cache
def lexer_named(alias: str) -> Lexer:
    """Return the lexer with this name, which keeps every character of its text."""
    return get_lexer_by_name(alias, stripnl=False, ensurenl=False)


@cache
def _class_of(kind: _TokenType) -> str:
    if kind is Name or kind is Name.Other or kind is Name.Builtin:
        return "name"
    return next((name for token, name in _CLASSES if token.__contains__(kind)), "")
