"""The block of settings between `---` lines at the head of a Markdown file."""

import re
from dataclasses import dataclass

# A blank line right after the first `---` makes it a rule between paragraphs, as authors mean it.
_FENCED = re.compile(
    r"\A\ufeff?(?:[ \t]*\r?\n)*---[ \t]*\r?\n(?P<matter>(?![ \t]*\r?\n).*?)^---[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE
)
_OPENED = re.compile(r"\A\ufeff?(?:[ \t]*\r?\n)*---[ \t]*\r?\n[\w.\"'-]+[ \t]*:(?:\s|\Z)")


@dataclass(frozen=True)
class FrontMatter:
    """Where the settings stand in a text: `text[start:end]` is the YAML, the body begins at `body`.

    `unclosed` says that the text opens such a block and never closes it; the body is then the whole text.
    """

    start: int
    end: int
    body: int
    unclosed: bool = False

    @property
    def present(self) -> bool:
        return self.body > 0


def front_matter(text: str) -> FrontMatter:
    """Find the front matter of `text`; all positions are 0 where there is none."""
    if found := _FENCED.match(text):
        return FrontMatter(found.start("matter"), found.end("matter"), found.end())
    return FrontMatter(0, 0, 0, unclosed=bool(_OPENED.match(text)))
