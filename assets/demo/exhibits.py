"""The shape of the demo's tables: who is there, and what each asset's history looks like."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from assets.demo.recipes import Files

CARDS = Path(__file__).parent / "cards"
_NOTES = {
    ("model", True): "演示内容：权重是按种子生成的小张量，文件格式与表头真实，不能用于实际推理。",
    (
        "model",
        False,
    ): "Demo content: the weights are small tensors made from a seed. Format and headers are true; the numbers mean nothing.",
    ("dataset", True): "演示内容：数据由程序生成，只是示意，条数少于正式版本。",
    ("dataset", False): "Demo content: the rows are generated and fewer than in a real release.",
}


@dataclass(frozen=True)
class Person:
    """A user of the demo; `joined` counts days before the load."""

    handle: str
    nickname: str
    bio: str
    joined: int
    language: str = ""

    @property
    def email(self) -> str:
        return f"{self.handle}@example.com"


@dataclass(frozen=True)
class Team:
    """An organisation of the demo; `members` maps handles to roles, the first is the owner who creates it."""

    handle: str
    nickname: str
    bio: str
    members: dict[str, str]


@dataclass(frozen=True)
class Revision:
    """One commit by `by`, `day` days before the load.

    `card` writes the `README.md`: `draft` (its first section), `early` (all but its list of versions), `full`, or `broken` (front matter that is not YAML).
    A `branch` that does not exist yet starts at the head of `main`. `tag` names the new commit.
    """

    message: str
    by: str
    day: int
    files: Callable[[], Files] = dict
    card: str = ""
    tag: str = ""
    branch: str = "main"


@dataclass(frozen=True)
class Exhibit:
    """One model or dataset. `downloads` is the rate a day it has reached; a `bare` card has its settings without `---` lines."""

    kind: str
    owner: str
    name: str
    revisions: tuple[Revision, ...]
    downloads: int = 0
    public: bool = True
    bare: bool = False

    @property
    def repo_id(self) -> str:
        return f"{self.owner}/{self.name}"

    def card(self, form: str) -> bytes:
        """Return the text of `README.md`; `form` as `Revision.card` says."""
        head, body = self._parts()
        chinese = sum("\u4e00" <= letter <= "\u9fff" for letter in head + body) > len(head + body) // 8
        if form == "draft":
            body = _start(body)
        if form == "early":
            sections = body.split("\n## ")
            body = "\n## ".join(section for section in sections if not section.startswith(("版本\n", "Changes\n")))
        if form == "broken":
            head += "thresholds: {healthy: 0.5, spotted: 0.4\n"
        head = head if self.bare else f"---\n{head}---\n"
        return f"{head}\n{body.strip()}\n\n> {_NOTES[self.kind, chinese]}\n".encode()

    def _parts(self) -> tuple[str, str]:
        """Return the settings and the body of the card."""
        text = (CARDS / f"{self.kind}s" / f"{self.name}.md").read_text(encoding="utf-8")
        _start, head, body = text.split("---\n", 2)
        return head, body

    def fact(self, key: str) -> str:
        """Return a one-line value of the card's front matter, or an empty text."""
        for line in self._parts()[0].splitlines():
            name, found, value = line.partition(": ")
            if found and name == key:
                return value.strip().strip('"')
        return ""


def _start(body: str) -> str:
    """Return the first section of a card; of one without sections the title and at most a paragraph, always less than all."""
    parts = body.strip().split("\n## ")
    if len(parts) > 1:
        return parts[0] if parts[0].count("\n") > 1 else "\n## ".join(parts[:2])
    paragraphs = body.strip().split("\n\n")
    return "\n\n".join(paragraphs[: min(2, len(paragraphs) - 1)])


def exhibit(
    kind: str,
    repo_id: str,
    files: Callable[[], Files],
    *,
    by: str,
    day: int,
    downloads: int = 0,
    upload: str = "上传权重",
    words: str = "补充使用说明",
    editor: str = "",
    tag: str = "",
    more: tuple[Revision, ...] = (),
    public: bool = True,
    bare: bool = False,
) -> Exhibit:
    """Return an exhibit whose files came `day` days ago with a short card; `editor` wrote the rest of the card soon after."""
    owner, name = repo_id.split("/")
    later = max(day - max(day // 8, 1), (more[0].day if more else 0) + 1)
    first = Revision(upload, by, day, files, card="draft")
    second = Revision(words, editor or by, later, card="early" if any(revision.card == "full" for revision in more) else "full", tag=tag)
    return Exhibit(kind, owner, name, (first, second, *more), downloads, public, bare)
