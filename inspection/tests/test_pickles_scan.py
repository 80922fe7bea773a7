"""What the scan of pickles says of names, of files that are none, and of bounds."""

import io
import pickle
import zlib

import pytest

from inspection.files import File, Unreadable, in_memory
from inspection.pickles.allowed import ALLOWED, is_allowed
from inspection.pickles.arrays import npy_header, width
from inspection.pickles.compressed import Inflated, form_of
from inspection.pickles.dangerous import why_dangerous
from inspection.pickles.scan import harm_as_pickle, looks_like_pickle, scan_pickles
from inspection.safety.findings import Finding
from inspection.tests.adversarial import blob, call, evil, legacy, name, npy, pickled, state_dict, text

NAMES = [(module, attribute) for module, attributes in ALLOWED.items() for attribute in sorted(attributes)]


def scan(data: bytes, path: str = "model.pkl") -> list[Finding]:
    return scan_pickles(in_memory(path, data))


@pytest.mark.parametrize(
    ("module", "attribute", "reason"),
    [
        ("os", "system", "process"),
        ("posix", "system", "process"),
        ("nt", "system", "process"),
        ("os.path", "join", "process"),
        ("subprocess", "Popen", "process"),
        ("pty", "spawn", "process"),
        ("pip._internal.cli.main", "main", "process"),
        ("uuid", "_get_command_stdout", "process"),
        ("commands", "getoutput", "process"),
        ("builtins", "eval", "code"),
        ("__builtin__", "execfile", "code"),
        ("builtins", "__import__", "code"),
        ("runpy", "_run_code", "code"),
        ("importlib", "import_module", "code"),
        ("code", "InteractiveInterpreter.runcode", "code"),
        ("bdb", "Bdb.run", "code"),
        ("pdb", "run", "code"),
        ("timeit", "timeit", "code"),
        ("cProfile", "run", "code"),
        ("profile", "Profile.run", "code"),
        ("ctypes", "CDLL", "code"),
        ("types", "CodeType", "code"),
        ("marshal", "loads", "code"),
        ("numpy.testing._private.utils", "runstring", "code"),
        ("numpy.f2py.crackfortran", "_eval_length", "code"),
        ("torch.hub", "load", "code"),
        ("torch.jit.unsupported_tensor_ops", "execWrapper", "code"),
        ("torch._dynamo.guards", "GuardBuilder.get", "code"),
        ("torch._inductor.codecache", "compile_file", "code"),
        ("torch.fx.experimental.symbolic_shapes", "ShapeEnv.evaluate_guards_expression", "code"),
        ("torch.utils._config_module", "ConfigModule.load_config", "code"),
        ("cloudpickle.cloudpickle", "_make_function", "code"),
        ("dill._dill", "_create_type", "code"),
        ("idlelib.__main__", "main", "code"),
        ("lib2to3.pgen2.grammar", "Grammar.loads", "code"),
        ("pkgutil", "resolve_name", "code"),
        ("pydoc", "locate", "code"),
        ("pandas", "eval", "code"),
        ("builtins", "getattr", "attributes"),
        ("operator", "attrgetter", "attributes"),
        ("_operator", "methodcaller", "attributes"),
        ("functools", "partial", "attributes"),
        ("copyreg", "add_extension", "attributes"),
        ("pickle", "loads", "loads"),
        ("_pickle", "loads", "loads"),
        ("cPickle", "loads", "loads"),
        ("joblib.numpy_pickle_compat", "NDArrayWrapper", "loads"),
        ("torch", "load", "loads"),
        ("torch.serialization", "load", "loads"),
        ("numpy", "load", "loads"),
        ("pandas", "read_pickle", "loads"),
        ("yaml", "unsafe_load", "loads"),
        ("builtins", "open", "files"),
        ("_io", "FileIO", "files"),
        ("io", "open", "files"),
        ("shutil", "rmtree", "files"),
        ("logging", "FileHandler", "files"),
        ("numpy", "save", "files"),
        ("socket", "create_connection", "network"),
        ("ssl", "get_server_certificate", "network"),
        ("urllib.request", "urlopen", "network"),
        ("requests.api", "get", "network"),
        ("http.client", "HTTPSConnection", "network"),
        ("httplib", "HTTPSConnection", "network"),
        ("aiohttp.client", "request", "network"),
        ("asyncio", "run", "network"),
        ("webbrowser", "open", "network"),
        ("imaplib", "IMAP4_stream", "network"),
        ("sys", "settrace", "interpreter"),
        ("threading", "Thread", "interpreter"),
        ("torch", "serialization.os.system", "process"),
        ("collections", "OrderedDict.__reduce__", "attributes"),
        ("numpy", "core.numeric.sys.modules", "interpreter"),
    ],
)
def test_known_name_is_dangerous_with_its_reason(module, attribute, reason):
    found = scan(pickled(call(name(module, attribute))))
    assert [(finding.code, finding.severity, finding.facts["reason"], finding.facts["called"]) for finding in found] == [
        ("dangerous_global", "danger", reason, True)
    ]


def test_no_allowed_name_is_known_to_be_dangerous():
    # These give back what they are given; the rest of their package compiles code.
    assert {module for module, attribute in NAMES if why_dangerous(module, attribute, called=True)} == {"torch.jit._pickle"}


def test_allowed_names_are_exact():
    pairs = [
        ("collections", "OrderedDict.fromkeys"),
        ("Collections", "OrderedDict"),
        ("collections ", "OrderedDict"),
        ("torch.storage", "_load_from_bytes"),
    ]
    assert [is_allowed(*pair) for pair in pairs] == [False] * 4


def test_every_allowed_name_may_be_called():
    assert (
        scan(pickled(b"(" + b"".join(call(name(module, attribute)) + b"0" for module, attribute in NAMES if "joblib" not in module) + b"l"))
        == []
    )


def test_file_opened_by_name_is_dangerous_only_when_called():
    assert [finding.code for finding in scan(pickled(name("numpy", "memmap")))] == ["unknown_global"]
    assert [finding.code for finding in scan(pickled(call(name("numpy", "memmap"), text("a"))))] == ["dangerous_global"]


def test_unknown_name_says_whether_it_is_called():
    found = scan(pickled(b"(" + name("a", "B") + name("c", "D") + b")R" + b"l"))
    assert [(finding.facts["global"], finding.facts["called"], finding.severity) for finding in found] == [
        ("a.B", False, "caution"),
        ("c.D", True, "caution"),
    ]


def test_one_name_is_told_once_for_a_file_of_many_pickles():
    assert len(scan(evil() * 50)) == 1


def test_name_is_shown_printable_and_short():
    (found,) = scan(pickled(name("a\x1b[31m", "b" * 500)))
    assert found.facts["global"] == "a\\x1b[31m." + "b" * 190


def test_where_is_carried():
    assert [finding.where for finding in scan_pickles(in_memory("a", evil()), "archive/data.pkl")] == ["archive/data.pkl"]


def test_tensor_in_a_plain_pickle_is_a_caution_and_its_bytes_are_read():
    tensors = legacy(state_dict())
    assert [finding.code for finding in scan(pickled(call(name("torch.storage", "_load_from_bytes"), blob(tensors))))] == ["nested_load"]
    hidden = scan(pickled(call(name("torch.storage", "_load_from_bytes"), blob(legacy(evil())))))
    assert sorted(finding.code for finding in hidden) == ["dangerous_global", "nested_load"]


def test_pickles_in_pickles_end_at_a_depth():
    data = state_dict()
    for _ in range(6):
        data = pickled(call(name("torch.storage", "_load_from_bytes"), blob(data)))
    assert {finding.code: finding.severity for finding in scan(data)} == {"nested_load": "caution", "pickle_depth": "unread"}


@pytest.mark.parametrize(
    ("head", "looks"),
    [
        (b"\x80\x04\x95", True),
        (b"\x80\x02}", True),
        (evil(1), True),
        (npy("<f8", b""), True),
        (zlib.compress(evil()), True),
        (zlib.compress(b"plain text" * 10), False),
        (b"\x80", False),
        (b"", False),
        (b"cos\nsin\ntan\n", False),
        (b"class Net:\n    pass\n", False),
        (b"import os\nos.getenv('HOME')\n", False),
        (b"# Title\n\nProse.\n", False),
        (b"c" * 10_000, False),
        (b"\x89PNG\r\n\x1a\n", False),
        (b"PK\x03\x04", False),
        (b"GGUF\3\0\0\0" + bytes(16), False),
        (bytes(range(256)) * 16, False),
    ],
)
def test_beginning_tells_a_pickle(head, looks):
    assert looks_like_pickle(head) is looks


def test_prose_that_names_but_never_calls_does_no_harm():
    assert (harm_as_pickle(in_memory("words.txt", b"cos\nsin\ntan\n")), len(harm_as_pickle(in_memory("a.txt", evil(0))))) == ([], 1)


@pytest.mark.parametrize(
    ("descr", "bytes_of_one"),
    [
        ("<f8", 8),
        ("|b1", 1),
        ("?", 1),
        ("<U5", 20),
        ("|S7", 7),
        ("<M8[ns]", 8),
        ([("a", "<i4"), ("b", "<f4", (3, 2))], 28),
        (("<f4", (2, 2)), 16),
        ("|O", None),
        ("object", None),
        ("f4,O", None),
        ([("a", "|O8")], None),
        ([("a", [("b", "O")])], None),
        ([], None),
        (7, None),
        ([("a", "<f4", -1)], None),
    ],
)
def test_width_of_a_type(descr, bytes_of_one):
    assert width(descr) == bytes_of_one


@pytest.mark.parametrize(
    "header",
    [b"{}", b"(" * 60_000, b"{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}", b"[" * 40 + b"]" * 40, b"\xff\xfe", b"1_000"],
)
def test_header_that_numpy_would_not_read_is_refused(header):
    data = b"\x93NUMPY\x01\0" + len(header).to_bytes(2, "little") + header
    with pytest.raises(Unreadable) as refused:
        npy_header(io.BytesIO(data))
    assert refused.value.code == "npy_header"


def test_compressed_stream_ends_at_its_bound():
    stream = Inflated(in_memory("a", zlib.compress(bytes(1 << 20))), "zlib", limit=1 << 16)
    with pytest.raises(Unreadable) as refused:
        while stream.read(1 << 14):
            pass
    assert (refused.value.code, refused.value.facts) == ("too_much_data", {"limit": 1 << 16})


@pytest.mark.parametrize(
    ("head", "form"), [(b"x\x9c", "zlib"), (b"x\x9d", None), (b"\x1f\x8b\x08", "gzip"), (b"ZF0x14", "joblib"), (b"\x80\x04", None)]
)
def test_form_of_a_compressed_stream(head, form):
    assert form_of(head) == form


def test_broken_compressed_stream_is_unread():
    assert [(finding.code, finding.severity) for finding in scan(b"x\x9c" + b"\xff" * 50, "a.joblib")] == [("compressed_broken", "unread")]


def test_large_payloads_are_not_read():
    size, asked = 1 << 36, []
    start = b"\x80\x04\x8e" + size.to_bytes(8, "little")

    def read(first: int, end: int) -> bytes:
        asked.append(end - first)
        whole = start + b"\0" * 4096 if first < len(start) else bytes(end - first)
        end = min(end, first + (1 << 18))
        return (whole[first:end] if first < len(start) else whole[: end - first]) if end <= len(start) + size else b"."

    assert scan_pickles(File("a.pkl", len(start) + size + 1, read)) == []
    assert sum(asked) < 4 << 20


def test_pickle_of_ten_thousand_rows_is_safe():
    assert scan(pickle.dumps([{"row": row} for row in range(10_000)])) == []
