"""How much each row of a batch weighs, and making those lighter that weigh too much."""

from bisect import bisect_right

import pyarrow as pa
import pyarrow.compute as pc

from inspection.tables.reading.columns import MEDIA
from inspection.tables.reading.context import MAX_CELL, MAX_ROW, clean

MAX_BYTES = 8 << 20


def weights(array: pa.Array) -> pa.Array:
    """Return the bytes that each row of a column stands for."""
    kind, rows = array.type, len(array)
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        return pc.add(pc.fill_null(pc.binary_length(array), 0).cast(pa.int64()), 4)
    if pa.types.is_list(kind):
        inner = weights(array.values)
        ends = pc.cumulative_sum(inner) if len(inner) else pa.array([], pa.int64())
        sums = pa.concat_arrays([pa.array([0], pa.int64()), ends.combine_chunks() if isinstance(ends, pa.ChunkedArray) else ends])
        places = sums.take(array.offsets)
        return pc.add(pc.subtract(places.slice(1), places.slice(0, rows)), 4)
    if pa.types.is_struct(kind):
        total = pa.repeat(pa.scalar(0, pa.int64()), rows)
        for index in range(kind.num_fields):
            total = pc.add(total, weights(pc.struct_field(array, [index])))
        return total
    width = kind.bit_width // 8 if hasattr(kind, "bit_width") and not pa.types.is_null(kind) else 1
    return pa.repeat(pa.scalar(max(1, width), pa.int64()), rows)


def lightened(arrays: list[pa.Array], names: list[str], cut: pa.Array | None) -> tuple[list[pa.Array], pa.Array | None]:
    """Return columns in which no text is above a megabyte, no bytes are above eight, and no row is above eight together."""
    limits = [MAX_BYTES if pa.types.is_binary(array.type) or array.type == MEDIA else MAX_CELL for array in arrays]
    if sum(array.nbytes for array in arrays) <= MAX_CELL:
        return arrays, cut
    marks: dict[int, list[str]] = {}
    arrays = [_cut(array, limit, name, marks) for array, limit, name in zip(arrays, limits, names, strict=True)]
    total = rows_of(arrays)
    heavy = [index for index, size in enumerate(total) if size > MAX_ROW + 64 * len(arrays)]
    if heavy:
        room = max(64, MAX_ROW // max(1, len(arrays)))
        arrays = [_cut(array, room, name, marks, only=set(heavy)) for array, name in zip(arrays, names, strict=True)]
    if not marks:
        return arrays, cut
    said = cut.to_pylist() if cut is not None else [None] * len(arrays[0])
    for index, found in marks.items():
        said[index] = list(dict.fromkeys([*(said[index] or ()), *found]))
    return arrays, pa.array(said, pa.list_(pa.string()))


def rows_of(arrays: list[pa.Array]) -> list[int]:
    """Return the weight of each row over all columns."""
    if not arrays:
        return []
    total = weights(arrays[0])
    for array in arrays[1:]:
        total = pc.add(total, weights(array))
    found: list[int] = total.to_pylist()
    return found


def stretches(sizes: list[int], most: int) -> list[tuple[int, int]]:
    """Return where to cut rows into stretches (start, end) of at most `most` together, one row at least in each."""
    sums, total = [], 0
    for size in sizes:
        total += size
        sums.append(total)
    result, start, base = [], 0, 0
    while start < len(sizes):
        end = max(start + 1, bisect_right(sums, base + most))
        result.append((start, end))
        start, base = end, sums[end - 1]
    return result


def _cut(array: pa.Array, limit: int, name: str, marks: dict[int, list[str]], only: set[int] | None = None) -> pa.Array:
    if array.nbytes <= limit:
        return array
    sizes = weights(array)
    over = pc.indices_nonzero(pc.greater(sizes, limit + 64)).to_pylist()
    over = [index for index in over if only is None or index in only]
    if not over:
        return array
    pieces, start = [], 0
    for index in over:
        marks.setdefault(index, []).append(name)
        pieces += [array.slice(start, index - start), _shortened(array.slice(index, 1), limit)]
        start = index + 1
    return pa.concat_arrays([*pieces, array.slice(start)])


def _shortened(cell: pa.Array, limit: int) -> pa.Array:
    """Return one cell as the beginning of itself, about `limit` bytes."""
    kind = cell.type
    if pa.types.is_string(kind):
        start = cell.cast(pa.binary())[0].as_buffer()[:limit]
        return pa.array([clean(pa.py_buffer(start).to_pybytes().decode("utf-8", "ignore"))], kind)
    if pa.types.is_binary(kind):
        return pa.array([cell[0].as_buffer()[:limit].to_pybytes()], kind)
    if kind == MEDIA:
        fields = [pc.struct_field(cell, [index]) for index in range(4)]
        return pa.StructArray.from_arrays([*fields[:3], _shortened(fields[3], limit)], fields=list(MEDIA))
    if pa.types.is_list(kind):
        items = cell.flatten()
        kept, total = 0, 0
        for size in weights(items).slice(0, limit).to_pylist():
            total += size
            if total > limit:
                break
            kept += 1
        return pa.ListArray.from_arrays(pa.array([0, kept], pa.int32()), items.slice(0, kept), type=kind)
    if pa.types.is_struct(kind):
        room = limit // max(1, kind.num_fields)
        children = []
        for index in range(kind.num_fields):
            child = pc.struct_field(cell, [index])
            children.append(_shortened(child, room) if weights(child)[0].as_py() > room + 64 else child)
        return pa.StructArray.from_arrays(children, fields=[kind.field(index) for index in range(kind.num_fields)])
    return cell


def sound(array: pa.Array) -> pa.Array:
    """Return an array whose texts are UTF-8 without NUL: what other readers of Parquet insist on."""
    kind = array.type
    if pa.types.is_string(kind):
        try:
            array.validate(full=True)
            bad = pc.any(pc.match_substring(array, "\0")).as_py()
        except pa.ArrowInvalid:
            bad = True
        if not bad:
            return array
        data = array.cast(pa.binary()).to_pylist() if not _is_valid(array) else [v and v.encode() for v in array.to_pylist()]
        return pa.array([None if value is None else clean(value.decode("utf-8", "replace")) for value in data], pa.string())
    if pa.types.is_list(kind):
        return _same_rows(array, sound(array.values))
    if pa.types.is_struct(kind):
        children = [sound(pc.struct_field(array, [index])) for index in range(kind.num_fields)]
        return pa.StructArray.from_arrays(children, fields=[kind.field(i) for i in range(kind.num_fields)], mask=array.is_null())
    return array


def _is_valid(array: pa.Array) -> bool:
    try:
        array.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _same_rows(array: pa.Array, values: pa.Array) -> pa.Array:
    if values is array.values:
        return array
    offsets = array.offsets
    if array.null_count:
        nulls = pa.concat_arrays([array.is_null(), pa.array([False])])
        offsets = pc.if_else(nulls, pa.scalar(None, pa.int32()), offsets)
    return pa.ListArray.from_arrays(offsets, values, type=array.type)
