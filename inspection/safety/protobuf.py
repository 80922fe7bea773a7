"""Messages in protobuf's wire format, walked without their definitions, and the kinds of model files that are written in it.

Source of the format: Protocol Buffers, "Encoding"; field numbers from TensorFlow's saved_model.proto, meta_graph.proto, graph.proto
and function.proto, ONNX's onnx.proto, and sentencepiece's sentencepiece_model.proto.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from inspection.files import File, Unreadable
from inspection.safety.findings import Finding
from inspection.safety.keras import architecture

MOST_FIELDS = 5_000_000
MOST_TEXT = 4096
MOST_DEPTH = 20
MOST_JSON = 16 << 20
_VARINT, _FIXED_64, _BYTES, _FIXED_32 = 0, 1, 2, 5
_WRITES = {
    "WriteFile", "PyFunc", "PyFuncStateless", "EagerPyFunc", "DatasetToTFRecord", "ExperimentalDatasetToTFRecord", "SaveDataset",
    "SaveDatasetV2", "LoadLibrary", "CreateSummaryFileWriter", "CreateSummaryDbWriter", "MergeV2CheckpointsDelete",
}  # fmt: skip
_READS = {
    "ReadFile", "MatchingFiles", "WholeFileReader", "WholeFileReaderV2", "TextLineReader", "TextLineReaderV2", "TFRecordReaderV2",
    "FixedLengthRecordReaderV2", "LMDBReader", "TextLineDataset", "TFRecordDataset", "FixedLengthRecordDatasetV2", "CSVDatasetV2",
    "SqlDataset", "LoadDataset", "LoadDatasetV2", "RpcServer", "RpcClient", "DebugIdentityV2", "PrintV2File",
}  # fmt: skip


@dataclass(frozen=True)
class Field:
    """One field of a message: its number, and where its contents stand (`end` = `start` for numbers, whose value is `value`)."""

    number: int
    wire: int
    start: int
    end: int
    value: int = 0


class _Fields:
    """Walks messages in one file; counts fields over all of them."""

    def __init__(self, file: File) -> None:
        self.file, self.count = file, 0
        self._window, self._at = b"", 0

    def of(self, start: int, end: int) -> Iterator[Field]:
        """Yield the fields of the message in this stretch. Raises `Unreadable` (`broken_protobuf`) where it is none."""
        at = start
        while at < end:
            self.count += 1
            if self.count > MOST_FIELDS:
                raise Unreadable("too_many_entries")
            key, at = self._varint(at, end)
            number, wire = key >> 3, key & 7
            if not 0 < number < 1 << 29 or wire not in (_VARINT, _FIXED_64, _BYTES, _FIXED_32):
                raise Unreadable("broken_protobuf", at=at)
            if wire == _VARINT:
                value, at = self._varint(at, end)
                yield Field(number, wire, at, at, value)
                continue
            length = {_FIXED_64: 8, _FIXED_32: 4}.get(wire, 0)
            if wire == _BYTES:
                length, at = self._varint(at, end)
            if length > end - at:
                raise Unreadable("broken_protobuf", at=at)
            yield Field(number, wire, at, at + length)
            at += length

    def text(self, field: Field) -> str:
        """Return the contents of a field as text, cut at four kilobytes."""
        return self._bytes(field.start, min(field.end, field.start + MOST_TEXT)).decode("utf-8", "replace")

    def _bytes(self, start: int, end: int) -> bytes:
        if not (self._at <= start and end <= self._at + len(self._window)):
            self._at = start
            self._window = self.file.read(start, max(end, min(start + 65_536, self.file.size)))
        return self._window[start - self._at : end - self._at]

    def _varint(self, at: int, end: int) -> tuple[int, int]:
        value = 0
        for index, byte in enumerate(self._bytes(at, min(at + 10, end))):
            value |= (byte & 0x7F) << 7 * index
            if byte < 0x80:
                return value, at + index + 1
        raise Unreadable("broken_protobuf", at=at)


def tensorflow(file: File) -> Iterator[Finding]:
    """Yield the operations of a SavedModel or a frozen graph that touch files or call Python, each once. Raises `Unreadable`."""
    fields = _Fields(file)
    known: set[str] = set()
    graphs = 0
    first = next(fields.of(0, file.size), None)
    # A SavedModel begins with its version or its first meta graph under number 2; a GraphDef with a node under number 1.
    saved = first is not None and (first.number, first.wire) in ((1, _VARINT), (2, _BYTES))
    for top in fields.of(0, file.size):
        if not saved:
            graphs += top.number in (1, 2) and top.wire == _BYTES
            known.update(_operations(fields, top))
        elif top.number == 2:
            for part in fields.of(top.start, top.end):
                if part.number == 2 and part.wire == _BYTES:
                    graphs += 1
                    for field in fields.of(part.start, part.end):
                        known.update(_operations(fields, field))
    if not graphs:
        raise Unreadable("broken_protobuf", at=0)
    for name in sorted(known & _WRITES):
        yield Finding("tensorflow_writes", "danger" if name == "WriteFile" else "caution", "", {"operation": name})
    for name in sorted(known & _READS):
        yield Finding("tensorflow_reads", "caution", "", {"operation": name})


def _operations(fields: _Fields, field: Field) -> Iterator[str]:
    """Yield the operations of one field of a GraphDef: a node (1) or the library of functions (2)."""
    if field.wire != _BYTES:
        return
    if field.number == 1:
        yield from _operation(fields, field)
    elif field.number == 2:
        for function in fields.of(field.start, field.end):
            if function.number == 1 and function.wire == _BYTES:
                for node in fields.of(function.start, function.end):
                    if node.number == 3 and node.wire == _BYTES:
                        yield from _operation(fields, node)


def _operation(fields: _Fields, node: Field) -> Iterator[str]:
    for part in fields.of(node.start, node.end):
        if part.number == 2 and part.wire == _BYTES:
            yield fields.text(part)[:100]


def onnx(file: File) -> Iterator[Finding]:
    """Yield what an ONNX model needs from outside: files beyond its folder, operators of its own. Raises `Unreadable`."""
    fields = _Fields(file)
    graph = False
    for top in fields.of(0, file.size):
        if top.number == 7 and top.wire == _BYTES:
            graph = True
            yield from _graph(fields, top, 0)
        elif top.number == 25 and top.wire == _BYTES:
            for node in fields.of(top.start, top.end):
                if node.number == 7 and node.wire == _BYTES:
                    yield from _node(fields, node, 0)
        elif top.number == 8 and top.wire == _BYTES:
            for part in fields.of(top.start, top.end):
                domain = fields.text(part) if part.number == 1 and part.wire == _BYTES else ""
                if domain and not domain.startswith(("ai.onnx", "com.microsoft", "org.pytorch", "ai.onnxruntime", "pkg.onnxscript")):
                    yield Finding("onnx_custom_operators", "caution", "", {"domain": domain[:100]})
    if not graph:
        raise Unreadable("broken_protobuf", at=0)


def _graph(fields: _Fields, graph: Field, depth: int) -> Iterator[Finding]:
    if depth > MOST_DEPTH:
        raise Unreadable("too_deep")
    for part in fields.of(graph.start, graph.end):
        if part.wire != _BYTES:
            continue
        if part.number == 5:
            yield from _external(fields, part)
        elif part.number == 1:
            yield from _node(fields, part, depth)
        elif part.number == 15:
            for tensor in fields.of(part.start, part.end):
                if tensor.number in (1, 2) and tensor.wire == _BYTES:
                    yield from _external(fields, tensor)


def _node(fields: _Fields, node: Field, depth: int) -> Iterator[Finding]:
    """Judge the tensors and the graphs that the attributes of a node hold."""
    for attribute in fields.of(node.start, node.end):
        if attribute.number != 5 or attribute.wire != _BYTES:
            continue
        for value in fields.of(attribute.start, attribute.end):
            if value.number in (5, 10) and value.wire == _BYTES:
                yield from _external(fields, value)
            elif value.number in (6, 11) and value.wire == _BYTES:
                yield from _graph(fields, value, depth + 1)


def keras_metadata(file: File) -> Iterator[Finding]:
    """Yield what the layers do that Keras describes as JSON beside a SavedModel. Raises `Unreadable`."""
    fields, layers = _Fields(file), 0
    for node in fields.of(0, file.size):
        if node.number != 1 or node.wire != _BYTES:
            continue
        for part in fields.of(node.start, node.end):
            if part.number == 5 and part.wire == _BYTES:
                if part.end - part.start > MOST_JSON:
                    raise Unreadable("too_large", limit=MOST_JSON)
                layers += 1
                try:
                    document = json.loads(file.exactly(part.start, part.end))
                except RecursionError as error:
                    raise Unreadable("json_too_deep") from error
                except ValueError as error:
                    raise Unreadable("broken_json", line=1) from error
                yield from architecture(document)
    if not layers:
        raise Unreadable("broken_protobuf", at=0)


def _external(fields: _Fields, tensor: Field) -> Iterator[Finding]:
    """Yield a finding for a tensor whose values lie in a file outside the folder of the model (CVE-2024-27318)."""
    for part in fields.of(tensor.start, tensor.end):
        if part.number != 13 or part.wire != _BYTES:
            continue
        key = value = ""
        for entry in fields.of(part.start, part.end):
            if entry.number == 1:
                key = fields.text(entry)
            elif entry.number == 2:
                value = fields.text(entry)
        plain = value.replace("\\", "/")
        if key == "location" and (plain.startswith("/") or ".." in plain.split("/") or plain[1:2] == ":"):
            yield Finding("onnx_external_path", "danger", "", {"path": value[:200]})


def is_sentencepiece(file: File) -> bool:
    """Whether all of the file is a sentencepiece model: pieces (1), then what it was trained and normalises with (2 to 5)."""
    fields, pieces = _Fields(file), 0
    try:
        for top in fields.of(0, file.size):
            if top.wire != _BYTES or top.number > 5:
                return False
            if top.number == 1:
                pieces += 1
                if any(
                    (part.number, part.wire) not in ((1, _BYTES), (2, _FIXED_32), (3, _VARINT)) for part in fields.of(top.start, top.end)
                ):
                    return False
    except Unreadable:
        return False
    return pieces > 0
