"""The globals that may be named in a pickle which counts as safe.

A name stands here only if calling it with anything that a pickle can build from names of this list runs no code of the file's
maker, opens no file and no connection, and hands out no attribute of a module. Classes that keep a callable and call it later
(`defaultdict`, `_rebuild_from_type_v2`) are here because whatever they can be given is on this list too; what loads another
pickle, looks up attributes or calls what it is told to by name is not. Sources: the reducers of CPython, NumPy and PyTorch
(`torch/_weights_only_unpickler.py` names the ones that loading of weights alone needs).
"""

from typing import Final

_STORAGES: Final = (
    "BFloat16 Bool Byte Char ComplexDouble ComplexFloat Double Float Half Int Long QInt32 QInt8 QUInt2x4 QUInt4x2 QUInt8 Short "
    "Typed Untyped"
).split()
_DTYPES: Final = (
    "bfloat16 bits16 bits1x8 bits2x4 bits4x2 bits8 bool cdouble cfloat chalf complex128 complex32 complex64 double float float16 float32 "
    "float4_e2m1fn_x2 float64 float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz float8_e8m0fnu half int int1 int16 int2 int3 int32 "
    "int4 int5 int6 int64 int7 int8 long qint32 qint8 quint2x4 quint4x2 quint8 short uint1 uint16 uint2 uint3 uint32 uint4 uint5 uint6 "
    "uint64 uint7 uint8"
).split()
_SCALARS: Final = (
    "bool bool_ byte bytes_ cdouble clongdouble complex128 complex64 csingle datetime64 double float16 float32 float64 half int16 int32 "
    "int64 int8 intc intp long longdouble longlong short single str_ string_ timedelta64 ubyte uint uint16 uint32 uint64 uint8 uintc uintp "
    "ulong ulonglong unicode_ ushort void"
).split()
_REBUILDERS: Final = (
    "_rebuild_device_tensor_from_cpu_tensor _rebuild_device_tensor_from_numpy _rebuild_meta_tensor_no_storage _rebuild_parameter "
    "_rebuild_parameter_with_state _rebuild_qtensor _rebuild_sparse_tensor _rebuild_tensor _rebuild_tensor_v2 _rebuild_tensor_v3 "
    "_rebuild_wrapper_subclass"
).split()
_SCHEMES: Final = (
    "per_channel_affine per_channel_affine_float_qparams per_channel_symmetric per_tensor_affine per_tensor_symmetric"
).split()
_PLAIN: Final = "bool bytearray bytes complex dict float frozenset int list object range set slice str tuple".split()
_ARRAYS: Final = frozenset({"_reconstruct", "scalar"})
_PATHS: Final = frozenset({"Path", "PosixPath", "PurePath", "PurePosixPath", "PureWindowsPath", "WindowsPath"})

ALLOWED: Final[dict[str, frozenset[str]]] = {
    "builtins": frozenset(_PLAIN),
    "__builtin__": frozenset([*_PLAIN, "long", "unicode", "xrange"]),
    "_codecs": frozenset({"encode"}),
    "argparse": frozenset({"Namespace"}),
    "collections": frozenset({"Counter", "OrderedDict", "defaultdict", "deque"}),
    "copyreg": frozenset({"__newobj__", "__newobj_ex__", "_reconstructor"}),
    "copy_reg": frozenset({"_reconstructor"}),
    "datetime": frozenset({"date", "datetime", "time", "timedelta", "timezone"}),
    "decimal": frozenset({"Decimal"}),
    "fractions": frozenset({"Fraction"}),
    "joblib.numpy_pickle": frozenset({"NumpyArrayWrapper"}),
    "sklearn.externals.joblib.numpy_pickle": frozenset({"NumpyArrayWrapper"}),
    "numpy": frozenset([*_SCALARS, "dtype", "matrix", "ndarray"]),
    "numpy.core.multiarray": _ARRAYS,
    "numpy._core.multiarray": _ARRAYS,
    "numpy.core.numeric": frozenset({"_frombuffer"}),
    "numpy._core.numeric": frozenset({"_frombuffer"}),
    "numpy.dtypes": frozenset(
        f"{kind}DType"
        for kind in "Bool Bytes Complex128 Complex64 DateTime64 Float16 Float32 Float64 Int16 Int32 Int64 Int8 Str TimeDelta64 "
        "UInt16 UInt32 UInt64 UInt8 Void".split()
    ),
    "pathlib": _PATHS,
    "pathlib._local": _PATHS,
    "torch": frozenset([*(f"{kind}Storage" for kind in _STORAGES), *_DTYPES, *_SCHEMES, "Size", "Tensor", "device"]),
    "torch._tensor": frozenset({"_rebuild_from_type_v2"}),
    "torch._utils": frozenset(_REBUILDERS),
    "torch.jit._pickle": frozenset(
        {"build_boollist", "build_doublelist", "build_intlist", "build_tensor_from_id", "build_tensorlist", "restore_type_tag"}
    ),
    "torch.nn.parameter": frozenset({"Parameter"}),
    "torch.serialization": frozenset({"_get_layout"}),
    "torch.storage": frozenset({"TypedStorage", "UntypedStorage", "_TypedStorage", "_UntypedStorage"}),
    "types": frozenset({"SimpleNamespace"}),
    "uuid": frozenset({"UUID"}),
}


def is_allowed(module: str, name: str) -> bool:
    """Whether this global is harmless whoever calls it with whatever."""
    return name in ALLOWED.get(module, ())
