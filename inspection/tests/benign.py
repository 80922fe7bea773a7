"""Files of picklers that mean no harm, written by hand where their libraries are not installed; see `adversarial`."""

import bz2
import collections
import datetime
import decimal
import fractions
import gzip
import lzma
import pathlib
import pickle
import struct
import uuid
import zlib

import numpy

from inspection.tests.adversarial import (
    aligned,
    blob,
    call,
    dtype,
    group,
    harmless,
    legacy,
    mapping,
    name,
    npy,
    number,
    ordered,
    pickled,
    stacked_name,
    state_dict,
    tensor,
    text,
    wrapper,
)

NUMBERS = struct.pack("<2d", 1, 2)
PLAIN = {
    "name": "gate",
    "sizes": [1, 2.5, -3, 10**30],
    "on": True,
    "none": None,
    "pair": (1, "x" * 300),
    "raw": b"\0\xff",
    "words": {"a", "b"},
}


@harmless()
def plain_of_protocol_0() -> bytes:
    return pickle.dumps(PLAIN, 0)


@harmless()
def plain_of_protocol_1() -> bytes:
    return pickle.dumps(PLAIN, 1)


@harmless()
def plain_of_protocol_2() -> bytes:
    return pickle.dumps(PLAIN, 2)


@harmless()
def plain_of_protocol_3() -> bytes:
    return pickle.dumps(PLAIN, 3)


@harmless()
def plain_of_protocol_4() -> bytes:
    return pickle.dumps(PLAIN, 4)


@harmless()
def plain_of_protocol_5() -> bytes:
    return pickle.dumps({**PLAIN, "array": bytearray(b"abc")}, 5)


@harmless()
def many_frames() -> bytes:
    return pickle.dumps([{"row": row, "text": f"line {row}", "share": row / 7} for row in range(5000)], 4)


@harmless()
def list_that_holds_itself() -> bytes:
    items: list[object] = [1]
    items.append(items)
    return pickle.dumps(items)


@harmless()
def numpy_arrays_of_protocol_2() -> bytes:
    return pickle.dumps({"a": numpy.arange(6.0).reshape(2, 3), "b": numpy.float32(1.5), "c": numpy.array(["x"])}, 2)


@harmless()
def numpy_arrays_of_protocol_5() -> bytes:
    return pickle.dumps({"a": numpy.arange(6.0).reshape(2, 3), "b": numpy.int64(7), "c": numpy.array([b"x", {}], dtype=object)}, 5)


@harmless()
def numpy_of_old_names() -> bytes:
    base = call(name("numpy.core.multiarray", "_reconstruct"), name("numpy", "ndarray"), group(number(0)), b"C\1b")
    return pickled(base + group(number(1), group(number(2)), dtype("f8"), b"\x89", blob(NUMBERS)) + b"b")


@harmless()
def collections_of_the_standard_library() -> bytes:
    values = [collections.OrderedDict(a=1), collections.Counter("abca"), collections.deque([1, 2], 4), collections.defaultdict(list, a=[1])]
    return pickle.dumps(values)


@harmless()
def values_of_the_standard_library() -> bytes:
    moment = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)
    values = [moment, decimal.Decimal("1.5"), fractions.Fraction(1, 3), pathlib.PurePosixPath("a/b"), uuid.UUID(int=5), range(3), slice(1)]
    return pickle.dumps(values, 4)


@harmless()
def stacked_plain_pickles() -> bytes:
    return b"".join(pickle.dumps({"row": row}) for row in range(5))


@harmless("archive/data.pkl")
def state_dict_of_torch() -> bytes:
    return state_dict()


@harmless("archive/data.pkl")
def state_dict_with_parameters_and_metadata() -> bytes:
    parameter = call(name("torch._utils", "_rebuild_parameter"), tensor("0", 4, 4, kind="BFloat16Storage"), b"\x88", ordered())
    metadata = mapping((text("_metadata"), ordered((text(""), mapping((text("version"), number(1)))))))
    return pickled(ordered((text("weight"), parameter)) + metadata + b"b", 2)


@harmless("optimizer.pt")
def training_checkpoint_of_torch() -> bytes:
    options = name("argparse", "Namespace") + b")\x81" + mapping((text("lr"), b"G" + struct.pack(">d", 0.001))) + b"b"
    state = mapping(
        (text("model"), ordered((text("w"), tensor("0", 3)))), (text("args"), options), (text("dtype"), name("torch", "float32"))
    )
    return legacy(pickled(state, 2))


@harmless("model.pt")
def legacy_file_of_torch() -> bytes:
    return legacy(state_dict())


@harmless("model.pkl")
def quantised_tensor_of_torch() -> bytes:
    scheme = group(name("torch", "per_tensor_affine"), b"G" + struct.pack(">d", 0.1), number(3))
    storage = group(text("storage"), name("torch", "QInt8Storage"), text("0"), text("cpu"), number(4)) + b"Q"
    return pickled(
        call(name("torch._utils", "_rebuild_qtensor"), storage, number(0), group(number(4)), group(number(1)), scheme, b"\x89", ordered())
    )


@harmless("model.joblib")
def joblib_of_arrays() -> bytes:
    body = b"](" + wrapper()
    return pickled(body)[:-1] + aligned(NUMBERS) + wrapper("i4") + aligned(NUMBERS[:8], 0) + b"e."


@harmless("model.joblib")
def joblib_array_of_texts_in_objects() -> bytes:
    return pickled(b"](" + wrapper("O8", flags=63))[:-1] + pickle.dumps(numpy.array(["a", None], dtype=object), 2) + b"e."


@harmless("model.joblib")
def joblib_compressed_by_zlib() -> bytes:
    return zlib.compress(joblib_of_arrays())


@harmless("model.joblib")
def joblib_compressed_by_lzma() -> bytes:
    return lzma.compress(joblib_of_arrays(), lzma.FORMAT_ALONE)


@harmless("model.joblib")
def joblib_compressed_by_bz2() -> bytes:
    return bz2.compress(joblib_of_arrays())


@harmless("model.pkl.gz")
def pickle_compressed_by_gzip() -> bytes:
    return gzip.compress(pickle.dumps(PLAIN), mtime=0)


@harmless("weights.npy")
def npy_of_numbers() -> bytes:
    return npy("<f8", NUMBERS)


@harmless("weights.npy")
def npy_of_records() -> bytes:
    return npy([("a", "<i4"), ("b", "<f4", (3,))], bytes(32), version=2)


@harmless("weights.npy")
def npy_of_plain_objects() -> bytes:
    return npy("|O", pickle.dumps(numpy.array(["a", 1], dtype=object)))


@harmless("weights.npy")
def npy_two_arrays_in_one_file() -> bytes:
    return npy("<f8", NUMBERS) + npy("|b1", b"\0\1")


@harmless("pytorch_model.bin")
def safetensors_under_another_name() -> bytes:
    head = b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    return struct.pack("<Q", len(head)) + head + bytes(4)


@harmless("pytorch_model.bin")
def gguf_under_another_name() -> bytes:
    return b"GGUF" + struct.pack("<IQQ", 3, 0, 0)


@harmless()
def names_that_only_look_dangerous() -> bytes:
    return pickled(mapping((text("os"), text("system")), (text("cos\nsystem\n"), stacked_name("collections", "OrderedDict"))))
