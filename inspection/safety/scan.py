"""The verdict on one file: what its bytes are is told by the bytes first and by the name second, and each kind has its rule.

Pure: nothing here knows rows or settings. In the worker it runs in the confined process, see `inspection.isolation`.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from inspection.child import hand_over, progress
from inspection.files import File, Unreadable
from inspection.pickles.arrays import NPY_MAGIC
from inspection.pickles.scan import harm_as_pickle, looks_like_pickle, scan_pickles
from inspection.safety import configuration, forms, keras
from inspection.safety.archives import tars, zips
from inspection.safety.archives.members import Member
from inspection.safety.budget import MIB, MOST_DEPTH, Budget, buffered
from inspection.safety.code import code, path_hook
from inspection.safety.executables import found_program, program, script
from inspection.safety.findings import Finding, Scan, judged, unread
from inspection.safety.forms import form_of
from inspection.safety.hdf5 import hdf5, is_hdf5
from inspection.safety.inflating import inflated
from inspection.safety.markup import MOST_MARKUP, markup
from inspection.safety.media import is_media, is_table, office, pdf, table
from inspection.safety.notebooks import MOST_NOTEBOOK, notebook
from inspection.safety.protobuf import is_sentencepiece, keras_metadata, onnx, tensorflow
from inspection.safety.secrets import secrets
from inspection.safety.templates import MOST_TEMPLATE, chat_templates, template
from inspection.safety.text import HEAD, encoding_of, pieces, whole
from inspection.safety.weights import gguf, is_safetensors, safetensors

LIMIT = 2048 * MIB
_TOLD = 50  # files from one word about the progress to the next: each becomes a row update
MOST_YAML = 8 * MIB
_STREAMS = ((b"\x1f\x8b\x08", "gzip"), (b"BZh", "bzip2"), (b"\xfd7zXZ\0", "xz"))
_UNREAD_ARCHIVES = (
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"070701", "cpio"),
    (b"hsqs", "squashfs"),
)
_PDF = b"%PDF-"
_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_WIRE = {forms.PROTOBUF, forms.ONNX, forms.KERAS}
_CODE = {forms.PYTHON, forms.SHELL, forms.SOURCE, forms.STARTER}
_MARKUP = {forms.HTML, forms.SVG, forms.XML}
_BEGINNINGS = ((b"<svg", forms.SVG), (b"<html", forms.HTML), (b"<!doctype html", forms.HTML), (b"<?xml", forms.XML))


def scan_file(file: File, *, limit: int = LIMIT) -> Scan:
    """Return the verdict on `file`; up to `limit` bytes are read whole, and come out of what it has compressed."""
    return judged(_guarded(buffered(file), Budget(limit, limit), 0))


def scan_files(files: Sequence[File], limit: int) -> int:
    """Scan one file after the other and hand each report over as it is done, for the confined process; return how many."""
    for index, file in enumerate(files):
        hand_over(json.dumps(scan_file(file, limit=limit).as_dict()).encode(), index=index)
        if index % _TOLD == 0:
            progress(index, len(files))
    return len(files)


def _guarded(file: File, budget: Budget, depth: int) -> Iterator[Finding]:
    """Yield the findings in one file or member; what stops its rule is a finding too, so that the next member is still read."""
    try:
        yield from _findings(file, budget, depth)
    except Unreadable as error:
        yield unread(error)
    except RecursionError:
        yield Finding("too_deep", "unread")
    except MemoryError:
        yield Finding("out_of_memory", "unread")


def _findings(file: File, budget: Budget, depth: int) -> Iterator[Finding]:
    head = file.read(0, min(HEAD, file.size))
    if not head:
        return
    form = form_of(file.path)
    if depth > MOST_DEPTH:
        raise Unreadable("nested_too_deep", limit=MOST_DEPTH)
    if head[:4] in (zips.LOCAL, zips.END, b"PK\7\x08"):
        yield from _walk(zips.members(file, budget), budget, depth)
        return
    encoding = encoding_of(head)
    tar = tars.is_tar(head)
    # The last member of a tar may well be a zip; it is read as such.
    if encoding is None and not tar and zips.tail(file) is not None:
        yield Finding("polyglot", "caution")
        yield from _walk(zips.members(file, budget), budget, depth)
    if tar:
        yield from _walk(tars.members(file, budget), budget, depth)
        if looks_like_pickle(head):
            yield from harm_as_pickle(file)
    elif stream := next((kind for magic, kind in _STREAMS if head.startswith(magic)), None):
        contents, found = inflated(file, stream, _inner(file.path), budget)
        yield from found
        yield from _guarded(contents, budget, depth + 1)
    elif encoding is not None and form not in _WIRE and not head.startswith(_PDF) and not looks_like_pickle(head):
        yield from _text(file, head, form, encoding, budget)
    else:
        yield from _binary(file, head, form, budget)


def _walk(walker: Iterator[Finding | Member], budget: Budget, depth: int) -> Iterator[Finding]:
    for thing in walker:
        if isinstance(thing, Finding):
            yield thing
        elif not thing.raw:
            yield from (finding.inside(thing.file.path) for finding in _guarded(thing.file, budget, depth + 1))
        elif looks_like_pickle(thing.file.read(0, min(HEAD, thing.file.size))):
            # Numbers may look like anything; only what would do harm counts.
            yield from (found.inside(thing.file.path) for found in harm_as_pickle(thing.file))


def _inner(path: str) -> str:
    """Return the name of what is inside a compressed file: without its last ending, `.tgz` as `.tar`."""
    stem, _dot, ending = path.rpartition(".")
    return f"{stem}.tar" if ending.lower() in ("tgz", "tbz2", "txz") else stem if ending.lower() in ("gz", "bz2", "xz") else path


def _binary(file: File, head: bytes, form: str, budget: Budget) -> Iterator[Finding]:
    if kind := program(file, head):
        yield found_program(kind, form)
    elif head.startswith(NPY_MAGIC) or looks_like_pickle(head):
        yield from scan_pickles(file)
    elif form in (forms.PICKLE, forms.OTHER) and (harm := harm_as_pickle(file)):
        yield from harm  # the first bytes of GGUF, Parquet and others are opcodes too
    elif head.startswith(b"GGUF"):
        yield from gguf(file)
    elif is_hdf5(file, head):
        yield from hdf5(file, budget)
    elif is_table(head):
        yield from table(file, head)
    elif is_safetensors(file, head):
        yield from safetensors(file)
    elif head.startswith(_PDF):
        yield from pdf(file, budget)
    elif head.startswith(_OFFICE):
        yield from office(file, budget)
    elif kind := next((name for magic, name in _UNREAD_ARCHIVES if head.startswith(magic)), None):
        raise Unreadable("unread_archive", kind=kind)
    elif form in (forms.PICKLE, forms.PATH_HOOK) and not is_sentencepiece(file):
        yield from scan_pickles(file)
    elif form == forms.PROTOBUF:
        yield from tensorflow(file)
    elif form == forms.KERAS:
        yield from keras_metadata(file)
    elif form == forms.ONNX:
        yield from onnx(file)
    elif not is_media(file, head) and not is_sentencepiece(file):
        raise Unreadable("broken_header", why="unknown") if form in (forms.WEIGHTS, forms.MEDIA) else Unreadable("no_rule")


def _text(file: File, head: bytes, form: str, encoding: str, budget: Budget) -> Iterator[Finding]:
    beginning = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if form not in _CODE:
        form = next((kind for start, kind in _BEGINNINGS if beginning.startswith(start) and form not in _MARKUP), form)
        form = forms.PYTHON if form == forms.OTHER and beginning.startswith(b"#!") and b"python" in beginning[:60] else form
    try:
        yield from secrets(pieces(file, encoding, budget))
    except Unreadable as error:
        yield unread(error)
    yield from script(head, form)
    # The first protocols of pickles are all letters.
    if form == forms.PICKLE:
        yield from (finding for finding in scan_pickles(file) if finding.code != "not_a_pickle")
    else:
        yield from harm_as_pickle(file)
    if form in _CODE:
        yield from code(whole(file, encoding, MOST_MARKUP), form)
    elif form in _MARKUP:
        yield from markup(whole(file, encoding, MOST_MARKUP), form)
    elif form == forms.TEMPLATE:
        yield from template(whole(file, encoding, MOST_TEMPLATE))
    elif form == forms.YAML:
        yield from configuration.yaml(whole(file, encoding, MOST_YAML))
    elif form == forms.PATH_HOOK:
        yield from path_hook(whole(file, encoding, MOST_YAML))
    elif form == forms.NOTEBOOK:
        yield from notebook(_json(whole(file, encoding, MOST_NOTEBOOK)))
    elif form == forms.MODULES:
        yield from configuration.modules(_json(whole(file, encoding, configuration.MOST_CONFIGURATION)))
    elif form == forms.CONFIG:
        yield from _configuration(_json(whole(file, encoding, configuration.MOST_CONFIGURATION)))


def _configuration(document: Any) -> Iterator[Finding]:
    yield from configuration.configuration(document)
    if keras.is_architecture(document) or (isinstance(document, dict) and "modelTopology" in document):
        yield from keras.architecture(document)
    for text in chat_templates(document):
        yield from template(text)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError as error:
        raise Unreadable("json_too_deep") from error
    except ValueError as error:
        raise Unreadable("broken_json", line=getattr(error, "lineno", 0)) from error
