"""The headers of an ONNX file: initializers, operator sets, inputs and outputs. Data is stepped over by its length, never read.

Source: `onnx.proto` of the ONNX project and the wire format of Protocol Buffers.
"""

from collections.abc import Callable
from math import prod
from typing import Any

from inspection.files import File, Unreadable

MOST_TENSORS = 100_000
MOST_FIELDS = 2_000_000
MOST_DIMENSIONS = 32
MOST_SHOWN = 50
MOST_EXTERNAL = 10_000
MOST_TEXT = 1_000
DEEPEST = 8
SMALLEST_READ, LARGEST_READ = 8_192, 262_144
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
# Number of the type: its name and its bits; none for texts.
TYPES = {
    1: ("F32", 32), 2: ("U8", 8), 3: ("I8", 8), 4: ("U16", 16), 5: ("I16", 16), 6: ("I32", 32), 7: ("I64", 64), 8: ("STRING", 0),
    9: ("BOOL", 8), 10: ("F16", 16), 11: ("F64", 64), 12: ("U32", 32), 13: ("U64", 64), 14: ("C64", 64), 15: ("C128", 128),
    16: ("BF16", 16), 17: ("F8_E4M3", 8), 18: ("F8_E4M3FNUZ", 8), 19: ("F8_E5M2", 8), 20: ("F8_E5M2FNUZ", 8), 21: ("U4", 4),
    22: ("I4", 4), 23: ("F4", 4), 24: ("F8_E8M0", 8), 25: ("U2", 2), 26: ("I2", 2),
}  # fmt: skip
_WEIGHTS = ("F", "BF", "I4", "U4", "I8", "U8")
_DATA_FIELDS = (4, 5, 6, 7, 10, 11)


def read(file: File) -> dict[str, Any]:
    """Return `tensors` and `facts` of a model; `external` says up to which byte it needs which file beside it. Raises `Unreadable`."""
    wire = _Wire(file)
    model = _Model()
    wire.message(file.size, {1: model.number("ir_version"), 2: model.text("producer"), 7: model.graph, 8: model.opset})
    if "ir_version" not in model.facts or not model.has_graph:
        raise Unreadable("not_onnx")
    return {"tensors": model.tensors, "facts": model.facts | ({"external": model.external} if model.external else {})}


class _Wire:
    """A position in a file of nested messages, read through a small window: long fields are jumped over."""

    def __init__(self, file: File) -> None:
        self.file, self.at, self.window, self.start = file, 0, b"", 0
        self.fields = 0
        self.step = SMALLEST_READ

    def message(self, end: int, takes: "dict[int, _Take]") -> None:
        """Walk the fields up to `end` and hand those in `takes` to their functions."""
        while self.at < end:
            self.fields += 1
            if self.fields > MOST_FIELDS:
                raise Unreadable("too_many_fields")
            key = self.varint()
            number, kind = key >> 3, key & 7
            if not number:
                raise Unreadable("bad_field")
            if kind == _VARINT:
                value, size = self.varint(), 0
            elif kind in (_FIXED64, _FIXED32):
                value, size = 0, 8 if kind == _FIXED64 else 4
            elif kind == _BYTES:
                value = size = self.varint()
            else:
                raise Unreadable("bad_wire_type")
            stop = self.at + size
            if stop > end:
                raise Unreadable("length_past_end")
            if number in takes:
                takes[number](self, kind, value, stop)
            if self.at > stop:
                raise Unreadable("length_past_end")
            self.at = stop
        if self.at > end:
            raise Unreadable("length_past_end")

    def varint(self) -> int:
        """Return a number of at most ten bytes."""
        place = self.at - self.start
        if 0 <= place < len(self.window) and self.window[place] < 128:
            self.at += 1
            return self.window[place]
        value = shift = 0
        while shift < 70:
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                if value >= 2**64:
                    break
                return value
            shift += 7
        raise Unreadable("bad_varint")

    def text(self, stop: int) -> str:
        """Return the bytes up to `stop` as text, cut where they are too many."""
        size = min(stop - self.at, MOST_TEXT)
        if self.at - self.start + size > len(self.window) or self.at < self.start:
            self._look(size)
        begin = self.at - self.start
        return self.window[begin : begin + size].decode("utf-8", "replace")

    def _byte(self) -> int:
        if not 0 <= self.at - self.start < len(self.window):
            self._look(1)
        byte = self.window[self.at - self.start]
        self.at += 1
        return byte

    def _look(self, least: int) -> None:
        # What follows directly is read in growing steps; after a jump the next header is short.
        near = self.start <= self.at <= self.start + len(self.window)
        self.step = min(self.step * 2, LARGEST_READ) if near and self.window else SMALLEST_READ
        self.start, self.window = self.at, self.file.read(self.at, min(self.file.size, self.at + max(self.step, least)))
        if len(self.window) < least:
            raise Unreadable("truncated", at=self.at)


_Take = Callable[[_Wire, int, int, int], None]


class _Model:
    """What is gathered on the way."""

    def __init__(self) -> None:
        self.tensors: list[list[Any]] = []
        self.facts: dict[str, Any] = {"opset": {}, "inputs": [], "outputs": [], "nodes": 0}
        self.external: dict[str, int] = {}
        self.has_graph = False
        self.depth = 0
        self.output = ""
        attribute = _into({5: self.constant, 6: self.inner, 10: self.constant, 11: self.inner})
        self.in_node: dict[int, _Take] = {2: self.named, 5: attribute}

    def number(self, name: str) -> _Take:
        def take(_wire: _Wire, kind: int, value: int, _stop: int) -> None:
            if kind != _VARINT:
                raise Unreadable("bad_wire_type")
            self.facts[name] = min(value, 2**31)

        return take

    def text(self, name: str) -> _Take:
        def take(wire: _Wire, kind: int, _value: int, stop: int) -> None:
            _nested(kind)
            self.facts[name] = _clean(wire.text(stop))

        return take

    def opset(self, wire: _Wire, kind: int, _value: int, stop: int) -> None:
        _nested(kind)
        found: dict[str, Any] = {"domain": "", "version": 0}
        wire.message(stop, {1: _text_into(found, "domain"), 2: _number_into(found, "version")})
        if len(self.facts["opset"]) < MOST_SHOWN:
            self.facts["opset"][found["domain"] or "ai.onnx"] = min(found["version"], 2**31)

    def graph(self, wire: _Wire, kind: int, _value: int, stop: int) -> None:
        _nested(kind)
        self.has_graph = True
        wire.message(stop, {1: self.node, 5: self.tensor, 11: self.port("inputs"), 12: self.port("outputs"), 15: self.sparse})

    def node(self, wire: _Wire, kind: int, _value: int, stop: int) -> None:
        """Look into an operator for weights: constants, and the graphs of branches and loops."""
        _nested(kind)
        self.facts["nodes"] += 1
        self.output = ""
        wire.message(stop, self.in_node)

    def named(self, wire: _Wire, kind: int, _value: int, stop: int) -> None:
        _nested(kind)
        self.output = _clean(wire.text(stop))

    def constant(self, wire: _Wire, kind: int, _value: int, stop: int) -> None:
        self.tensor(wire, kind, 0, stop)
        _name, dtype, dims, size = self.tensors.pop()
        # Single numbers and shapes are part of the calculation, not weights.
        if dtype.startswith(_WEIGHTS) and prod(dims) > 1:
            self.tensors.append([self.output or f"constant_{len(self.tensors)}", dtype, dims, size])

    def inner(self, wire: _Wire, kind: int, _value: int, stop: int) -> None:
        _nested(kind)
        if self.depth >= DEEPEST:
            raise Unreadable("nested_too_deep")
        self.depth += 1
        wire.message(stop, {1: self.node, 5: self.tensor, 15: self.sparse})
        self.depth -= 1

    def sparse(self, wire: _Wire, kind: int, _value: int, stop: int) -> None:
        _nested(kind)
        wire.message(stop, {1: self.tensor})

    def port(self, name: str) -> _Take:
        def take(wire: _Wire, kind: int, _value: int, stop: int) -> None:
            _nested(kind)
            if len(self.facts[name]) >= MOST_SHOWN:
                return
            found: dict[str, Any] = {"name": "", "dtype": "", "shape": []}
            shape: list[Any] = found["shape"]

            def dimension(inner: _Wire, form: int, _value: int, end: int) -> None:
                _nested(form)
                if len(shape) >= MOST_DIMENSIONS:
                    raise Unreadable("bad_shape")
                one: dict[str, Any] = {"size": None}
                inner.message(end, {1: _number_into(one, "size"), 2: _text_into(one, "size")})
                shape.append(one["size"] if not isinstance(one["size"], int) or one["size"] < 2**48 else None)

            def element(_wire: _Wire, _form: int, number: int, _end: int) -> None:
                found["dtype"] = TYPES.get(number, (f"#{min(number, 999)}", 0))[0]

            tensor = {1: element, 2: _into({1: dimension})}
            wire.message(stop, {1: _text_into(found, "name"), 2: _into({1: _into(tensor)})})
            self.facts[name].append(found)

        return take

    def tensor(self, wire: _Wire, kind: int, _value: int, stop: int) -> None:
        _nested(kind)
        if len(self.tensors) >= MOST_TENSORS:
            raise Unreadable("too_many_tensors")
        found: dict[str, Any] = {"name": "", "type": 0, "dims": [], "data": 0, "raw": None, "external": {}, "location": 0}
        takes: dict[int, _Take] = dict.fromkeys(_DATA_FIELDS, _data(found))
        takes |= {
            1: _dimensions(found["dims"]),
            2: _number_into(found, "type"),
            8: _text_into(found, "name"),
            9: _length_into(found, "raw"),
        }
        wire.message(stop, takes | {13: _pair(found["external"]), 14: _number_into(found, "location")})
        self.tensors.append(self._checked(found))

    def _checked(self, found: dict[str, Any]) -> list[Any]:
        dtype, bits = TYPES.get(found["type"], (f"#{min(found['type'], 999)}", 0))
        count = prod(found["dims"])
        if count >= 2**48:
            raise Unreadable("bad_shape")
        size = -(-count * bits // 8)
        if found["location"] == 1 or found["external"]:
            size = self._outside(found["external"], size)
        elif found["raw"] is not None:
            if bits and found["raw"] != size:
                raise Unreadable("size_mismatch")
        elif found["data"] < -(-count * min(bits, 8) // 8):
            # Numbers travel here as varints, of one byte at least.
            raise Unreadable("size_mismatch")
        return [found["name"], dtype, found["dims"], size]

    def _outside(self, where: dict[str, str], size: int) -> int:
        name = where.get("location", "")
        inside = name and not name.startswith("/") and ".." not in name.split("/") and "\\" not in name
        if not inside:
            raise Unreadable("external_outside")
        try:
            offset, length = int(where.get("offset") or 0), int(where.get("length") or size)
        except ValueError as error:
            raise Unreadable("bad_external") from error
        if length != size or not 0 <= offset < 2**60:
            raise Unreadable("size_mismatch")
        held = _clean(name.removeprefix("./"))
        if held not in self.external and len(self.external) >= MOST_EXTERNAL:
            raise Unreadable("too_many_files")
        self.external[held] = max(self.external.get(held, 0), offset + length)
        return size


def _nested(kind: int) -> None:
    if kind != _BYTES:
        raise Unreadable("bad_wire_type")


def _clean(text: str) -> str:
    return text[:300].replace("\0", "\ufffd")


def _into(takes: dict[int, _Take]) -> _Take:
    def take(wire: _Wire, kind: int, _value: int, stop: int) -> None:
        _nested(kind)
        wire.message(stop, takes)

    return take


def _number_into(found: dict[str, Any], name: str) -> _Take:
    def take(_wire: _Wire, kind: int, value: int, _stop: int) -> None:
        if kind == _VARINT:
            found[name] = value

    return take


def _text_into(found: dict[str, Any], name: str) -> _Take:
    def take(wire: _Wire, kind: int, _value: int, stop: int) -> None:
        _nested(kind)
        found[name] = _clean(wire.text(stop))

    return take


def _length_into(found: dict[str, Any], name: str) -> _Take:
    def take(_wire: _Wire, kind: int, value: int, _stop: int) -> None:
        _nested(kind)
        found[name] = value

    return take


def _data(found: dict[str, Any]) -> _Take:
    def take(_wire: _Wire, kind: int, value: int, _stop: int) -> None:
        found["data"] += value if kind == _BYTES else 8

    return take


def _dimensions(dims: list[int]) -> _Take:
    def take(wire: _Wire, kind: int, value: int, stop: int) -> None:
        if kind == _VARINT:
            dims.append(value)
        while kind == _BYTES and wire.at < stop and len(dims) <= MOST_DIMENSIONS:
            dims.append(wire.varint())
        if len(dims) > MOST_DIMENSIONS or any(length >= 2**48 for length in dims):
            raise Unreadable("bad_shape")

    return take


def _pair(found: dict[str, str]) -> _Take:
    def take(wire: _Wire, kind: int, _value: int, stop: int) -> None:
        _nested(kind)
        one: dict[str, Any] = {"key": "", "value": ""}
        wire.message(stop, {1: _text_into(one, "key"), 2: _text_into(one, "value")})
        if len(found) < 16:
            found[one["key"]] = one["value"]

    return take
