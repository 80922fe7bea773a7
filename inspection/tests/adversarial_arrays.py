"""Pickles among arrays: joblib, NumPy and streams compressed as a whole; see `adversarial`."""

import bz2
import gzip
import lzma
import struct
import zlib

from inspection.tests.adversarial import (
    EVIL,
    aligned,
    call,
    dtype,
    evil,
    group,
    kind,
    mapping,
    name,
    npy,
    number,
    pickled,
    state_dict,
    text,
    wrapper,
)

NUMBERS = struct.pack("<2d", 1, 2)


@kind("dangerous_global", "model.joblib")
def joblib_array_of_objects() -> bytes:
    return pickled(b"](" + wrapper("O8", flags=63))[:-1] + evil() + b"e."


@kind("dangerous_global", "model.joblib")
def joblib_behind_an_array() -> bytes:
    return pickled(b"](" + wrapper())[:-1] + aligned(NUMBERS) + call(name(*EVIL), text("HOME")) + b"e."


@kind("dangerous_global", "model.joblib")
def joblib_opcodes_inside_an_array() -> bytes:
    hidden = call(name(*EVIL), text("HOME")) + b"."
    return pickled(b"](" + wrapper("u1", group(number(len(hidden)))))[:-1] + b"N" * (1 + ord("N")) + hidden + b"e."


@kind("joblib_array", "model.joblib", verdict="unscanned")
def joblib_shape_not_spelled_out() -> bytes:
    shape = group(call(name("builtins", "int"), text("2")))
    return pickled(b"](" + wrapper(shape=shape))[:-1] + aligned(NUMBERS) + b"e."


@kind("joblib_array", "model.joblib", verdict="unscanned")
def joblib_type_that_contradicts_itself() -> bytes:
    return pickled(b"](" + wrapper("f8", flags=63))[:-1] + aligned(NUMBERS) + b"e."


@kind("sets_hook", "model.joblib")
def joblib_reader_replaced() -> bytes:
    extra = ((text("read"), name("builtins", "list")),)
    return pickled(b"](" + wrapper(extra=extra))[:-1] + aligned(NUMBERS) + b"e."


@kind("joblib_array", "model.joblib", verdict="unscanned")
def joblib_array_inside_a_frame() -> bytes:
    return b"\x80\x04\x95" + struct.pack("<Q", 4000) + b"](" + wrapper() + aligned(NUMBERS) + b"e."


@kind("odd_pickle", "model.joblib", verdict="caution")
def joblib_wrapper_made_by_another_function() -> bytes:
    rebuild, reconstruct = name("torch._tensor", "_rebuild_from_type_v2"), name("copyreg", "_reconstructor")
    wrap = name("joblib.numpy_pickle", "NumpyArrayWrapper")
    made = call(rebuild, reconstruct, wrap, group(wrap, name("builtins", "object"), b"N"), mapping((text("shape"), group(number(6)))))
    return pickled(made + b"}b" + text(evil().decode("latin-1")) + b"0")


@kind("joblib_array", "model.joblib", verdict="unscanned")
def joblib_wrapper_made_from_arguments() -> bytes:
    wrap = name("joblib.numpy_pickle", "NumpyArrayWrapper")
    made = call(wrap, name("numpy", "ndarray"), group(number(2)), text("C"), dtype("f8"))
    return pickled(made + b"}b" + b"0N")


@kind("dangerous_global", "model.joblib")
def joblib_zlib() -> bytes:
    return zlib.compress(evil())


@kind("dangerous_global", "model.joblib")
def joblib_zlib_of_old() -> bytes:
    return b"ZF" + hex(len(evil())).ljust(19).encode() + zlib.compress(evil())


@kind("dangerous_global", "model.joblib")
def joblib_two_zlib_streams() -> bytes:
    return zlib.compress(state_dict()) + zlib.compress(evil())


@kind("dangerous_global", "model.joblib")
def joblib_lzma() -> bytes:
    return lzma.compress(evil(), lzma.FORMAT_ALONE)


@kind("dangerous_global", "model.joblib")
def joblib_xz() -> bytes:
    return lzma.compress(evil())


@kind("dangerous_global", "model.joblib")
def joblib_bz2() -> bytes:
    return bz2.compress(evil())


@kind("dangerous_global", "model.pkl.gz")
def pickle_in_gzip() -> bytes:
    return gzip.compress(evil(), mtime=0)


@kind("dangerous_global", "model.joblib")
def zlib_cut_off_behind_the_call() -> bytes:
    packer = zlib.compressobj()
    return packer.compress(evil()[:-1] + bytes(100)) + packer.flush(zlib.Z_SYNC_FLUSH)


@kind("compression_unknown", "model.joblib", verdict="unscanned")
def joblib_lz4() -> bytes:
    return b"\x04\x22\x4d\x18" + bytes(64)


@kind("dangerous_global", "weights.npy")
def npy_of_objects() -> bytes:
    return npy("|O", evil())


@kind("dangerous_global", "weights.npy")
def npy_record_with_an_object() -> bytes:
    return npy([("a", "<f4"), ("b", [("c", "|O8")])], evil())


@kind("dangerous_global", "weights.npy")
def npy_type_by_a_long_name() -> bytes:
    return npy("object", evil())


@kind("dangerous_global", "weights.npy")
def npy_of_version_3() -> bytes:
    return npy("|O", evil(), version=3)


@kind("dangerous_global", "weights.npy")
def npy_second_array() -> bytes:
    return npy("<f8", NUMBERS) + npy("|O", evil())


@kind("dangerous_global", "weights.npy")
def npy_that_is_a_pickle() -> bytes:
    return evil()


@kind("npy_header", "weights.npy", verdict="unscanned")
def npy_header_of_two_to_the_thirty_two() -> bytes:
    return b"\x93NUMPY\x02\0\xff\xff\xff\xff" + b"{" * 100


@kind("npy_header", "weights.npy", verdict="unscanned")
def npy_header_that_is_code() -> bytes:
    return b"\x93NUMPY\x01\0\x20\0" + b"__import__('os').getenv('HOME')\n\n"


@kind("npy_truncated", "weights.npy", verdict="unscanned")
def npy_shorter_than_its_shape() -> bytes:
    return npy("<f8", NUMBERS, (1 << 40,))
