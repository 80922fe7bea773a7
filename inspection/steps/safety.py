"""The step `safety`: the verdict on every file of a commit."""

import json
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings

from inspection.files import File, Unreadable
from inspection.isolation import Limits, run
from inspection.models import FileReport
from inspection.registry import Again, Task
from inspection.safety import clamav
from inspection.safety.findings import VERSION, Finding, Scan, judged, unread
from inspection.safety.forms import form_of
from inspection.services import keep_reports, reports

STEP = "safety"
VIRUS = "virus"
GRAVEST = ("dangerous", "caution", "unscanned", "safe")
MOST_LISTED = 1000
RETRY = timedelta(minutes=5)
_BATCH_FILES = 500
_BATCH_BYTES = 256 << 20
_SLOWEST = 8 << 20  # bytes a second of processor time
_SCAN = "inspection.safety.scan:scan_files"

_KEPT_TOGETHER = 50
_KEPT_SECONDS = 2.0

_UNSEEN = Finding("clamav_unavailable", "unread")
_PASSING = {_UNSEEN.code, "out_of_memory", "out_of_time", "crashed"}

Key = tuple[str, str]

__all__ = ["STEP", "VERSION", "VIRUS", "read"]


def read(task: Task) -> dict[str, Any]:
    """Return `{"verdict", "counts", "files"}`: the gravest verdict, how many files have each, and the path of each that is not safe.

    Contents that were judged before under a name of the same form are not read again; each report is kept as soon as it is there.
    Raises `Again` where ClamAV does not answer: files that it has not seen are not scanned until it does.
    """
    keys = {path: (task.content(path), form_of(path)) for path in task.items}
    known = reports(step=STEP, repository=task.repository, contents=(content for content, _form in keys.values()))
    verdicts = {key: row.verdict for key, row in known.items() if _stands(row, task)}
    first = {keys[path]: path for path in reversed(list(keys))}
    wanted = [(key, path) for key, path in first.items() if key not in verdicts]
    progress = _Progress(task, len(wanted))
    verdicts |= _scanned(wanted, task, progress)
    answers = not settings.CLAMAV_URL or _look_for_viruses(task, keys, verdicts, progress)
    result = _result(keys, verdicts)
    if not answers:
        raise Again(result, after=RETRY)
    return result


def _stands(row: FileReport, task: Task) -> bool:
    """Whether a report may be used again: not one of a scan that failed for reasons of its own, nor what somebody asked to have read again."""
    if any(finding["code"] in _PASSING for finding in row.report["findings"]):
        return False
    return not task.again or (row.verdict != "unscanned" and (row.form != VIRUS or not settings.CLAMAV_URL))


class _Progress:
    """How many of the files that have to be read are done; one that another worker took stops the turn."""

    def __init__(self, task: Task, of: int) -> None:
        self._task, self.done, self.of = task, 0, of

    def beat(self, more: int = 0, _of: int = 0) -> bool:
        return self._task.beat(min(self.done + more, self.of), self.of)


class _Keeper:
    """Keeps reports a few at a time: a worker that is killed loses those of two seconds at most."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._waiting: list[tuple[Key, Scan]] = []
        self._since = time.monotonic()
        self.verdicts: dict[Key, str] = {}

    def add(self, key: Key, scan: Scan) -> None:
        self.verdicts[key] = scan.verdict
        self._waiting.append((key, scan))
        if len(self._waiting) >= _KEPT_TOGETHER or time.monotonic() - self._since > _KEPT_SECONDS:
            self.flush()

    def flush(self) -> None:
        found = {key: (scan.verdict, scan.as_dict()) for key, scan in self._waiting}
        if found:
            keep_reports(step=STEP, repository=self._task.repository, found=found)
        self._waiting.clear()
        self._since = time.monotonic()


def _scanned(wanted: Sequence[tuple[Key, str]], task: Task, progress: _Progress) -> dict[Key, str]:
    """Keep a report on each file, and return the verdicts; confined processes take many files each.

    A process that dies leaves what it had done; the file it died on is tried once more alone, with all the time for itself.
    """
    keeper = _Keeper(task)
    waiting = deque(_batches(wanted, {path: item.size for path, item in task.items.items()}))
    while waiting:
        batch = waiting.popleft()
        keys = [key for key, _path in batch]
        error: Unreadable | None = None

        def keep(index: int, scan: Scan, keys: list[Key] = keys) -> None:
            keeper.add(keys[index], scan)

        try:
            _run(list(task.files(path for _key, path in batch)), keep, progress)
        except Unreadable as caught:
            error = caught
        left = [entry for entry in batch if entry[0] not in keeper.verdicts]
        if left and len(batch) == 1:
            keeper.add(keys[0], judged([unread(error or Unreadable("crashed"))]))
            left = []
        keeper.flush()
        progress.done += len(batch) - len(left)
        waiting.extendleft(part for part in (left[1:], left[:1]) if part)
    return keeper.verdicts


def _batches(wanted: Iterable[tuple[Key, str]], sizes: Mapping[str, int]) -> Iterator[list[tuple[Key, str]]]:
    batch: list[tuple[Key, str]] = []
    size = 0
    for entry in wanted:
        if batch and (len(batch) == _BATCH_FILES or size + sizes[entry[1]] > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += sizes[entry[1]]
    if batch:
        yield batch


def _run(files: list[File], keep: Callable[[int, Scan], None], progress: _Progress) -> None:
    # Compressed contents may be many times the size of the file.
    read_at_most = sum(max(min(file.size, settings.SCAN_LIMIT), min(file.size * 20, settings.SCAN_LIMIT)) for file in files)
    seconds = 60 + min(read_at_most, 4 * settings.SCAN_LIMIT) // _SLOWEST

    def take(data: bytes, facts: dict[str, Any]) -> None:
        index = facts.get("index")
        if isinstance(index, int) and 0 <= index < len(files):
            keep(index, _believed(data))

    run(
        _SCAN, {"limit": settings.SCAN_LIMIT}, files=files, limits=Limits(cpu=seconds, wall=2 * seconds + 60), beat=progress.beat, take=take
    )


def _believed(data: bytes) -> Scan:
    """Return the report of a confined process, of which nothing but its form is believed. Raises `Unreadable` (`crashed`)."""
    try:
        said = json.loads(data)
        return judged(Finding(str(one["code"]), one["severity"], str(one["where"]), dict(one["facts"])) for one in said["findings"])
    except (ValueError, KeyError, TypeError) as error:
        raise Unreadable("crashed") from error


def _look_for_viruses(task: Task, keys: Mapping[str, Key], verdicts: dict[Key, str], progress: _Progress) -> bool:
    """Have ClamAV look at each content once; say whether it answered. What is too large for it is judged by our rules alone."""
    paths = {keys[path][0]: path for path in reversed(list(keys)) if 0 < task.items[path].size <= settings.CLAMAV_LIMIT}
    answers, keeper = True, _Keeper(task)
    for content, path in paths.items():
        if (content, VIRUS) in verdicts:
            continue
        progress.beat()
        try:
            name = clamav.virus(settings.CLAMAV_URL, next(task.files([path]))) if answers else None
            scan = judged([Finding("virus", "danger", "", {"name": name})] if name else [])
        except Unreadable as error:
            scan = judged([unread(error)])
        except clamav.Unavailable:
            answers = False
        scan = scan if answers else judged([_UNSEEN])
        keeper.add((content, VIRUS), scan)
    keeper.flush()
    verdicts.update(keeper.verdicts)
    return answers


def _result(keys: Mapping[str, Key], verdicts: Mapping[Key, str]) -> dict[str, Any]:
    found: dict[str, str] = {}
    for path, (content, form) in keys.items():
        both = {verdicts[content, form], verdicts.get((content, VIRUS), "safe")}
        # Of one file "not scanned" outweighs a caution: it was not read to its end.
        found[path] = next(verdict for verdict in ("dangerous", "unscanned", "caution", "safe") if verdict in both)
    counts: Counter[str] = Counter(found.values())
    marked = sorted((path for path in found if found[path] != "safe"), key=lambda path: (GRAVEST.index(found[path]), path))
    return {
        "verdict": next((verdict for verdict in GRAVEST if counts[verdict]), "safe"),
        "counts": {verdict: counts[verdict] for verdict in GRAVEST},
        "files": {path: found[path] for path in marked[:MOST_LISTED]},
    }
