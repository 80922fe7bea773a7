"""Reading the tables of a dataset: every split becomes a Parquet copy of our own."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any

from django.conf import settings

from inspection import isolation
from inspection.files import File, Unreadable
from inspection.models import Sheet
from inspection.registry import Task
from inspection.services import keep_bytes, keep_sheet
from inspection.sources import source
from inspection.tables import detection, front_matter, statistics
from inspection.tables.detection import Config, Split
from inspection.tables.parts import table

VERSION = 1
MOST_SPLITS = 1000
MOST_SEEN = 20
SECONDS = 900.0
LIMITS = isolation.Limits(cpu=2 * int(SECONDS), wall=4 * SECONDS)
CARDS = ("README.md", ".huggingface.yaml")
SCALE = 1000

_TAKEN_OVER = ("rows", "size", "sampled", "source_rows", "columns", "statistics", "bad_rows", "bad", "parts", "facts")


def read(task: Task) -> dict[str, Any]:
    """Copy what is new of the dataset, and return what it consists of.

    The result is {"configs": [{"name", "default", "format", "error", "facts", "splits": [{"name", "rows", "columns", "sampled", "error"}]}],
    "default_config", "rows", "columns", "format", "sampled", "findings": [{"code", "facts", "config", "split"}], "seen": [{"ending", "files"}],
    "error", "facts"}; `seen` is there where no data was found, `error` and `facts` where the dataset as a whole cannot be understood.
    """
    paths = [(path, item.size) for path, item in task.items.items()]
    try:
        configs = detection.detect(paths, _matter(task))
    except Unreadable as error:
        return _result([], {}, paths) | {"error": error.code, "facts": error.facts}
    wanted = [(config, split) for config in configs for split in config.splits][:MOST_SPLITS]
    names = {(config.name, split.name) for config, split in wanted}
    for sheet in Sheet.objects.filter(inspection=task.inspection):
        if (sheet.config, sheet.split) not in names:
            sheet.delete()
    sheets: dict[tuple[str, str], Sheet] = {}
    for position, (config, split) in enumerate(wanted):
        task.beat(position * SCALE, len(wanted) * SCALE)
        sheets[config.name, split.name] = _Work(task, config, split, position, len(wanted)).done()
    return _result(configs, sheets, paths)


class _Work:
    """One split on its way to a sheet."""

    def __init__(self, task: Task, config: Config, split: Split, position: int, of: int) -> None:
        self.task, self.config, self.split, self.position, self.of = task, config, split, position, of
        self.options = config.options | detection.common(config)
        self.key = self._key()

    def done(self) -> Sheet:
        """Return the sheet of the split: the one there is, one taken over from an earlier commit, or a new one."""
        known = Sheet.objects.filter(inspection__repository=self.task.repository, key=self.key, error="")
        own = known.filter(inspection=self.task.inspection, config=self.config.name, split=self.split.name).first()
        if own is not None:
            return self._described(own)
        if (earlier := known.order_by("-pk").first()) is not None:
            return self._described(self._keep(**{name: getattr(earlier, name) for name in _TAKEN_OVER}))
        try:
            return self._described(self._copied())
        except Unreadable as error:
            return self._keep(error=error.code, facts={"format": self.config.format, **error.facts})

    def _copied(self) -> Sheet:
        if not self.split.files:
            raise Unreadable("no_rows")
        parts: list[dict[str, Any]] = []

        def take(data: bytes, facts: dict[str, Any]) -> None:
            kept = keep_bytes(data)
            parts.append({"sha256": kept.pk, "rows": int(facts["rows"]), "size": kept.size, "copy": int(facts["copy"])})

        found = isolation.run(
            "inspection.tables.copying:copy_split",
            {"form": self.config.format, "options": self.options, "limit": settings.VIEWER_LIMIT, "seconds": SECONDS},
            files=self._files(), limits=LIMITS, beat=self._beat, take=take,
        )  # fmt: skip
        parts = [{key: part[key] for key in ("sha256", "rows", "size")} for part in parts if part["copy"] == found["copy"]]
        facts = {"format": self.config.format, "bad_files": found["bad_files"], "dropped_columns": found["dropped_columns"]}
        return self._keep(
            parts=parts, rows=found["rows"], size=sum(part["size"] for part in parts), sampled=found["sampled"],
            source_rows=found["source_rows"], columns=found["columns"], bad_rows=found["bad_rows"], bad=found["bad"], facts=facts,
        )  # fmt: skip

    def _described(self, sheet: Sheet) -> Sheet:
        """Return a sheet with its statistics; a copy without them is worth as much to those who read rows."""
        if sheet.statistics or "statistics_error" in sheet.facts:
            return sheet
        try:
            sheet.statistics = statistics.describe(table(sheet), beat=lambda _done, _of: self._beat(1, 1))
        except Unreadable as error:
            sheet.facts = {**sheet.facts, "statistics_error": error.code}
        sheet.save(update_fields=["statistics", "facts"])
        return sheet

    def _keep(self, **facts: Any) -> Sheet:
        return keep_sheet(
            inspection=self.task.inspection, config=self.config.name, split=self.split.name, position=self.position, key=self.key, **facts
        )

    def _beat(self, done: int, of: int) -> bool:
        return self.task.beat(self.position * SCALE + min(SCALE - 1, done * SCALE // max(1, of)), self.of * SCALE)

    def _key(self) -> str:
        """Return what names everything the copy is made from: rules, options, and the files with their contents in order."""
        files = [[path, self.task.content(path)] for path in self.split.files]
        said = [VERSION, self.config.format, self.options, settings.VIEWER_LIMIT, files]
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()

    def _files(self) -> list[File]:
        opened = lru_cache(maxsize=64)(self._reader)
        return [File(path, self.task.items[path].size, partial(_read, opened, path)) for path in self.split.files]

    def _reader(self, path: str) -> Callable[[int, int], bytes]:
        return source(self.task.items[path]).read


def _read(opened: Callable[[str], Callable[[int, int], bytes]], path: str, start: int, end: int) -> bytes:
    return opened(path)(start, end)


def _matter(task: Task) -> dict[str, Any]:
    """Return the front matter of the card, and over it what a file of its own says."""
    found: dict[str, Any] = {}
    for name in CARDS:
        if name in task.items:
            text = source(task.items[name]).read(0, front_matter.MAX_TEXT).decode("utf-8", "replace").lstrip("\ufeff")
            found |= front_matter.parsed(front_matter.block_of(text) if name == CARDS[0] else text)
    return found


def _result(configs: Sequence[Config], sheets: dict[tuple[str, str], Sheet], paths: Sequence[tuple[str, int]]) -> dict[str, Any]:
    listed, findings = [], []
    for config in configs:
        splits = []
        if config.error:
            findings.append({"code": config.error, "facts": config.facts, "config": config.name, "split": ""})
        for split in config.splits:
            sheet = sheets.get((config.name, split.name))
            if sheet is None:
                continue
            splits.append(
                {"name": split.name, "rows": sheet.rows, "columns": len(sheet.columns), "sampled": sheet.sampled, "error": sheet.error}
            )
            if sheet.error:
                findings.append({"code": sheet.error, "facts": sheet.facts, "config": config.name, "split": split.name})
        listed.append(
            {
                "name": config.name, "default": config.default, "format": config.format, "error": config.error, "facts": config.facts,
                "splits": splits,
            }
        )  # fmt: skip
    result = {
        "configs": listed,
        "default_config": next((config.name for config in configs if config.default), configs[0].name if configs else ""),
        "rows": sum(sheet.rows for sheet in sheets.values()),
        "columns": max((len(sheet.columns) for sheet in sheets.values()), default=0),
        "format": configs[0].format if configs else "",
        "sampled": any(sheet.sampled for sheet in sheets.values()),
        "findings": findings,
    }
    return result if sheets else result | {"seen": _seen(paths)}


def _seen(paths: Sequence[tuple[str, int]]) -> list[dict[str, Any]]:
    """Return how many files there are of each ending, the most frequent first."""
    counts = Counter(f".{name.rpartition('.')[2].lower()}"[:20] for path, _size in paths if "." in (name := path.rpartition("/")[2])[1:])
    return [{"ending": ending, "files": count} for ending, count in counts.most_common(MOST_SEEN)]
