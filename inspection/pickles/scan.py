"""What a file that may hold pickles would do to whoever loads it: safe only where every name it looks up is on the list of `allowed`.

Codes of danger: `dangerous_global` (global, reason, called), `hidden_global` (how), `extension_code` (number), `computed_call` (by),
`changes_global` (target), `sets_hook` (names). Of caution: `unknown_global` (global, called), `nested_load`, `odd_pickle` (why),
`trailing_data` (size). Unread: `broken_pickle` (why), `not_a_pickle`, `joblib_array`, `npy_header`, `npy_truncated`, `compression_unknown`,
`compressed_broken`, `too_much_data`, and the machine's bounds. `at` is the offset in the stream of pickles.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Final, cast

from inspection.files import File, Unreadable, in_memory
from inspection.pickles.allowed import is_allowed
from inspection.pickles.arrays import NPY_MAGIC, WRAPPERS, npy_header, skip_array
from inspection.pickles.compressed import Inflated, form_of
from inspection.pickles.dangerous import why_dangerous
from inspection.pickles.machine import Limits, Machine
from inspection.pickles.opcodes import HIGHEST_PROTOCOL
from inspection.pickles.source import Source
from inspection.pickles.state import NESTED_LOADER
from inspection.pickles.values import Bytes, Global, Oddity, Pickle
from inspection.safety.findings import Finding, Severity

TORCH_MAGIC: Final = 0x1950A86A20F9469CFC6C
TORCH_PICKLES: Final = 5  # magic number, protocol, system, object, keys of the storages; then the storages themselves
HEAD: Final = 4096
SEARCHED: Final = 8 << 20
MOST_TRIES: Final = 200
MOST_STACKED: Final = 100_000
MOST_FINDINGS: Final = 30_000
DEEPEST: Final = 4

_TRAMPOLINES: Final = {
    Global("torch._tensor", "_rebuild_from_type_v2"),
    Global("collections", "defaultdict"),
    *(Global(module, "_reconstructor") for module in ("copyreg", "copy_reg")),
}
# What could make joblib's wrapper of arrays unseen: its loader would then step over bytes that the machine takes for opcodes.
_MAKERS: Final = {Global("torch._tensor", "_rebuild_from_type_v2"), Global("torch._utils", "_rebuild_parameter_with_state")}
_ODDITIES: Final[dict[str, tuple[str, Severity]]] = {
    "extension_code": ("extension_code", "danger"),
    "computed_call": ("computed_call", "danger"),
    "builds_on_global": ("changes_global", "danger"),
    "fills_global": ("changes_global", "danger"),
    "sets_hook": ("sets_hook", "danger"),
}
# A header of protocol 2 to 5 with what picklers write next, or a global of protocol 0 of the modules that attacks are made of.
_BEGINNING: Final = re.compile(rb"\x80[\x02-\x05][\x95c}\](\x8cXKN]|c(?:os|posix|nt|subprocess|builtins|__builtin__|sys|runpy|pty)\n\w+\n")
_IDENTIFIERS: Final = re.compile(r"\s*\w+(\.\w+)*\s*")
_SAFETENSORS_MOST: Final = 100 << 20

Opened = Callable[[], Source]


def looks_like_pickle(head: bytes) -> bool:
    """Whether a file that begins with `head` (4 KiB are enough) is one for `scan_pickles`, whatever its name.

    Protocols 0 and 1 have no magic: there a name must be looked up in a way that an unpickler would follow.
    """
    if (head[:1] == b"\x80" and len(head) > 1 and head[1] < 16) or head.startswith(NPY_MAGIC):
        return True
    if (form := form_of(head)) in ("zlib", "joblib", "lzma"):
        return _holds_pickle(head, form)
    machine = Machine(Source(cast(BinaryIO, in_memory("", head).open()), size=len(head)), limits=Limits(opcodes=20_000))
    try:
        pickle = machine.run()
    except Unreadable:
        pickle = machine.found
    if not any(_IDENTIFIERS.fullmatch(f"{reference.target.module}.{reference.target.name}") for reference in pickle.references):
        return False
    return bool(pickle.called) or pickle.broken is None or (pickle.broken == "truncated" and len(head) >= HEAD)


def _holds_pickle(head: bytes, form: str) -> bool:
    """Whether what is compressed in the way that only joblib uses begins as a pickle."""
    try:
        return looks_like_pickle(Inflated(in_memory("", head), form).read(HEAD))
    except Unreadable:
        return False


def scan_pickles(file: File, where: str = "") -> list[Finding]:
    """Return what is wrong with a file that is or may be a pickle: raw, stacked, broken, compressed, `.npy`, of joblib or of old PyTorch.

    Nothing found means that it was read to its end and is harmless. Archives are the caller's; here they are `not_a_pickle`.
    """
    found: dict[tuple[str, str, str], Finding] = {}
    for finding in _scan(file, where, 0):
        facts = {name: value for name, value in finding.facts.items() if name != "at"}
        found.setdefault((finding.code, finding.severity, repr(facts)), finding)
        if len(found) == MOST_FINDINGS:
            break
    return list(found.values())


def harm_as_pickle(file: File) -> list[Finding]:
    """Return what would do harm if somebody loaded as a pickle what is meant as something else: prose may name, but it never calls."""
    return [found for found in scan_pickles(file) if found.severity == "danger" and found.facts.get("called", True)]


def _scan(file: File, where: str, depth: int) -> Iterator[Finding]:
    if depth > DEEPEST:
        yield Finding("pickle_depth", "unread", where, {"limit": DEEPEST})
        return
    head = file.read(0, HEAD)
    form = form_of(head)
    try:
        if head.startswith(NPY_MAGIC):
            yield from _npy(file, where)
        elif form:
            yield from _compressed(file, form, where)
        else:
            yield from _raw(lambda: Source(file.open(), size=file.size, seekable=True), where, file, depth)
    except Unreadable as error:
        yield Finding(error.code, "unread", where, error.facts)


def _compressed(file: File, form: str, where: str) -> Iterator[Finding]:
    """Judge a compressed pickle; other contents are `not_a_pickle`."""
    yield from _raw(lambda: Source(cast(BinaryIO, Inflated(file, form))), where)


def _npy(file: File, where: str) -> Iterator[Finding]:
    """Judge arrays saved one behind the other; those of objects are pickles."""
    start = 0
    while start < file.size:
        if file.read(start, start + len(NPY_MAGIC)) != NPY_MAGIC:
            yield from _trailing(file, start, where)
            return
        with file.open() as stream:
            stream.seek(start)
            length, data = npy_header(stream)
        start += length
        if data is None:
            yield from _raw(lambda start=start: _behind(file, start), where, file)  # type: ignore[misc]
            return
        if start + data > file.size:
            yield Finding("npy_truncated", "unread", where, {"missing": start + data - file.size})
            return
        start += data


def _behind(file: File, start: int) -> Source:
    stream = file.open()
    stream.seek(start)
    return Source(stream, size=file.size, seekable=True)


def _raw(opened: Opened, where: str, file: File | None = None, depth: int = 0) -> Iterator[Finding]:
    """Judge a stream of pickles; `file` gives ranges of it where it is not compressed."""
    machine = Machine(opened(), on_built=skip_array)
    arrays, torch, count = 0, False, 0
    try:
        for count, pickle in enumerate(machine.pickles(), 1):
            arrays += pickle.arrays
            torch = torch or (count == 1 and pickle.value == TORCH_MAGIC)
            if pickle.broken and not _is_pickle(pickle) and not torch:
                yield from _other(pickle, file, where)
                break
            yield from judge(pickle, where)
            yield from _nested(pickle, file, where, depth)
            if pickle.broken:
                yield Finding("broken_pickle", "unread", where, {"why": pickle.broken, "at": pickle.end})
                break
            if torch and count == TORCH_PICKLES:
                # Behind them stand the storages: numbers, unless somebody goes on unpickling there.
                for further in machine.pickles():
                    yield from _dangers(judge(further, where))
                break
            if count == MOST_STACKED:
                yield Finding("pickle_stacked", "unread", where, {"limit": MOST_STACKED})
                break
        else:
            if not count:
                yield Finding("not_a_pickle", "unread", where)
            elif torch and count < TORCH_PICKLES:
                yield Finding("broken_pickle", "unread", where, {"why": "truncated", "at": machine.source.position()})
    except Unreadable as bound:
        yield from judge(machine.found, where)
        yield from _second(opened, where)
        yield Finding(bound.code, "unread", where, bound.facts)
        return
    if arrays:
        yield from _second(opened, where)


def _second(opened: Opened, where: str) -> Iterator[Finding]:
    """Judge the stream as an unpickler reads it that knows nothing of arrays between the opcodes: their bytes are opcodes to it."""
    machine = Machine(opened())
    try:
        for _ in machine.pickles():
            yield from _dangers(judge(machine.found, where))
    except Unreadable:
        yield from _dangers(judge(machine.found, where))


def _dangers(findings: Iterator[Finding]) -> Iterator[Finding]:
    return (finding for finding in findings if finding.severity == "danger")


def _is_pickle(pickle: Pickle) -> bool:
    """Whether a stream that breaks off was a pickle until there: it says so in its header, or it looks up names."""
    if any(reference.target.module for reference in pickle.references):
        return True
    return 0 < pickle.protocol <= HIGHEST_PROTOCOL and not pickle.start


def _other(pickle: Pickle, file: File | None, where: str) -> Iterator[Finding]:
    """Say of bytes that are no pickle where they stand: behind the last one, or alone."""
    if file is None:
        yield Finding("trailing_data", "caution", where, {"at": pickle.start}) if pickle.start else Finding("not_a_pickle", "unread", where)
    elif pickle.start:
        yield from _trailing(file, pickle.start, where)
    else:
        yield from _embedded(file, 0, where)
        if not _is_harmless(file):
            yield Finding("not_a_pickle", "unread", where)


def _trailing(file: File, start: int, where: str) -> Iterator[Finding]:
    """Judge bytes behind the last pickle or array that are no pickle themselves."""
    yield from _embedded(file, start, where)
    yield Finding("trailing_data", "caution", where, {"at": start, "size": file.size - start})


def _embedded(file: File, start: int, where: str) -> Iterator[Finding]:
    """Find dangerous pickles inside other bytes: for loaders that skip what stands before."""
    data = file.read(start, min(file.size, start + SEARCHED))
    for tries, match in enumerate(_BEGINNING.finditer(data)):
        if tries == MOST_TRIES:
            return
        machine = Machine(_behind(file, start + match.start()), limits=Limits(opcodes=20_000))
        try:
            machine.run()
        except Unreadable:
            pass
        # Numbers and prose hold "cos" and a line end too: only a call, or a pickle that ends well, makes it one.
        if machine.found.called or not machine.found.broken:
            found = list(_dangers(judge(machine.found, where)))
            yield from found
            if found:
                return


def _nested(pickle: Pickle, file: File | None, where: str, depth: int) -> Iterator[Finding]:
    """Judge the bytes that `torch.storage._load_from_bytes` is given."""
    for data in pickle.nested:
        if not isinstance(data, Bytes):
            yield Finding("hidden_global", "danger", where, {"how": "nested"})
        elif file is None:
            yield Finding("pickle_depth", "unread", where, {"limit": 0})
        else:
            yield from _scan(file.part(data.at, data.size, file.path), where, depth + 1)


def judge(pickle: Pickle, where: str = "") -> Iterator[Finding]:
    """Yield what the names, calls and oddities of one pickle mean. Names that are on no list are a caution, called or not."""
    relayed = not _TRAMPOLINES.isdisjoint(pickle.called)
    for reference in pickle.references:
        target, at = reference.target, reference.at
        called = target in pickle.called or relayed
        if target.module is None or target.name is None:
            if reference.how != "EXT":
                yield Finding("hidden_global", "danger", where, {"how": reference.how, "at": at})
        elif is_allowed(target.module, target.name):
            continue
        elif target == NESTED_LOADER:
            yield Finding("nested_load", "caution", where, {"at": at})
        else:
            facts: dict[str, Any] = {"global": _shown(target), "called": called, "at": at}
            if reason := why_dangerous(target.module, target.name, called=called):
                yield Finding("dangerous_global", "danger", where, {**facts, "reason": reason})
            else:
                yield Finding("unknown_global", "caution", where, facts)
    if not _MAKERS.isdisjoint(pickle.called) and any(reference.target in WRAPPERS for reference in pickle.references):
        yield Finding("odd_pickle", "caution", where, {"why": "relayed_array"})
    for oddity in pickle.oddities:
        yield _of_oddity(oddity, where)


def _shown(target: Global) -> str:
    """Return the name for people: printable, and not longer than a line."""
    return str(target).encode("unicode_escape").decode()[:200]


def _of_oddity(oddity: Oddity, where: str) -> Finding:
    code, severity = _ODDITIES.get(oddity.code, ("odd_pickle", "caution"))
    facts = {**oddity.facts, "at": oddity.at}
    if "target" in facts:
        facts["target"] = str(facts["target"]).encode("unicode_escape").decode()[:200]
    return Finding(code, severity, where, facts if code != "odd_pickle" else {"why": oddity.code, **facts})


def _is_harmless(file: File) -> bool:
    """Whether a file that is no pickle is one of the weights formats that hold numbers only, under a name of another."""
    head = file.read(0, 16)
    if head.startswith(b"GGUF"):
        return True
    length = int.from_bytes(head[:8], "little")
    return head[8:9] == b"{" and 2 <= length <= min(_SAFETENSORS_MOST, file.size - 8) and file.read(7 + length, 8 + length) in (b"}", b" ")
