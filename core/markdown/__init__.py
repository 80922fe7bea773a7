"""Markdown as safe HTML: READMEs, cards, files."""

from core.markdown.front_matter import FrontMatter, front_matter
from core.markdown.rendering import MAX_TEXT, render

__all__ = ["MAX_TEXT", "FrontMatter", "front_matter", "render"]
