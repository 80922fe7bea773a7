"""Scripts are parsed, never run; what they import must stand in their folder."""

from collections.abc import Mapping
from types import MappingProxyType

import pytest

from toolchain.tests.samples import SERVING, TRAINING, Tree, found, report

TRAIN = "gallery_train/train.py"


def judged(script: str | bytes, more: Mapping[str, str] = MappingProxyType({})) -> list[tuple[str, str, str, int | None]]:
    tree: Tree = TRAINING | {TRAIN: script} | {f"{path}.py": data for path, data in more.items()}
    return [(code, severity, path.removeprefix("gallery_train/"), line) for code, severity, path, line in found(tree)]


@pytest.mark.parametrize(
    "script",
    [
        "x = 1",
        "\ufeffx = 1\n",
        "#!/usr/bin/env python\n# -*- coding: utf-8 -*-\nname = '训练'\n",
        "# vim: set fileencoding=ascii :\nx = 1\n",
        "async def f():\n    await g()\n",
        "match x:\n    case 1: pass\n",
        "'''text\n# coding: nonsense\n'''\n",
        "x = 1\n\n# coding: nonsense\n",
        'x = "\\d"\n',
        "if __name__ == '__main__':\n    print(1)\n",
    ],
)
def test_scripts_that_python_reads(script: str) -> None:
    assert judged(script) == []


@pytest.mark.parametrize(
    ("script", "code", "line"),
    [
        (b"", "file_empty", None),
        (b" \n\t\r\n", "file_empty", None),
        (b"\xef\xbb\xbf", "file_empty", None),
        (b"# only a remark\n", "file_empty", None),
        (b"x = 1\ndef f(:\n", "python_syntax", 2),
        (b"x = (\n1,\n", "python_syntax", 1),
        (b"if x:\npass\n", "python_syntax", 2),
        (b"print 'x'\n", "python_syntax", 1),
        (b"x = 1\n\tif y:\n", "python_syntax", 2),
        (b"x = " + b"9" * 5000, "python_syntax", 1),
        ("x = 1\ny = “2”\n".encode(), "python_syntax", 2),
        (b"x = 1\ny = '\xff'\n", "not_utf8", 2),
        ("x = '训练'".encode("gbk"), "not_utf8", 1),
        ("x = 1".encode("utf-16"), "not_utf8", 1),
        ("x = 1".encode("utf-16-be"), "null_byte", 1),
        (b"x = 1\n\0\n", "null_byte", 2),
        (b"# coding: nonsense\nx = 1\n", "encoding_unknown", 1),
        (b"#\n# coding=rot13\nx = 1\n", "encoding_unknown", 2),
        (b"\xef\xbb\xbf# coding: gbk\nx = 1\n", "encoding_unknown", 1),
        (b"# coding: utf-8\nx = '\xff'\n", "not_utf8", 2),
        (b"# coding: gbk\nx = '\xff\xff'\n", "not_utf8", 2),
        (b"x = " + b"-" * 100_000 + b"1", "python_too_deep", None),
        (b"x = a" + b".b" * 50_000, "python_too_deep", None),
        (b"x = 1" + b" + 1" * 50_000, "python_too_deep", None),
        (b"if 1:\n pass\n" + b"elif 1:\n pass\n" * 10_000, "python_too_deep", None),
        (b"x = " + b"(" * 100_000, "python_syntax", 1),
        (b"".join(b" " * depth + b"if 1:\n" for depth in range(200)), "python_syntax", 101),
        (b"x" * 262_145, "file_too_large", None),
    ],
    ids=range(28),
)  # fmt: skip
def test_scripts_that_python_cannot_read(script: bytes, code: str, line: int | None) -> None:
    assert judged(script) == [(code, "error", "train.py", line)]


def test_declared_encoding_is_read_with_a_warning() -> None:
    script = "#!/usr/bin/python\n# -*- coding: gbk -*-\nname = '训练'\n".encode("gbk")
    assert judged(script) == [("encoding_declared", "warning", "train.py", 2)]


@pytest.mark.parametrize(
    ("script", "files", "expected"),
    [
        ("import os, json, torch\nfrom transformers import Trainer\n", {}, []),
        ("import data\n", {"gallery_train/data": "x = 1"}, []),
        ("from data import x\n", {"gallery_train/data/__init__": ""}, []),
        ("from data.text import x\n", {"gallery_train/data/text": "x = 1"}, []),
        ("from .data import x\n", {"gallery_train/data": ""}, []),
        ("from . import data\n", {"gallery_train/data": ""}, []),
        ("from .data import *\n", {"gallery_train/data": ""}, []),
        ("from .data import x\n", {}, [("import_missing", "train.py", 1)]),
        ("x = 1\nfrom . import a, b\n", {"gallery_train/a": ""}, [("import_missing", "train.py", 2)]),
        ("from .data.text import x\n", {"gallery_train/data/__init__": ""}, [("import_missing", "train.py", 1)]),
        ("import data.text\n", {"gallery_train/data/__init__": ""}, [("import_missing", "train.py", 1)]),
        ("from .. import data\n", {"data": ""}, [("import_outside", "train.py", 1)]),
        ("\nfrom ..data import x\n", {"data": ""}, [("import_outside", "train.py", 2)]),
        ("import helper\n", {"helper": ""}, [("import_outside", "train.py", 1)]),
        ("import helper\n", {"src/helper": ""}, [("import_outside", "train.py", 1)]),
        ("import helper.more\n", {"helper/__init__": ""}, [("import_outside", "train.py", 1)]),
        ("import json\n", {"json": ""}, []),
        ("import helper\n", {"helper": "", "gallery_train/helper": ""}, []),
        ("def f():\n    from .late import x\n", {}, [("import_missing", "train.py", 2)]),
    ],
)
def test_imports(script: str, files: dict[str, str], expected: list[tuple[str, str, int]]) -> None:
    assert judged(script, files) == [(code, "warning", path, line) for code, path, line in expected]


def test_imports_of_imported_scripts_are_followed() -> None:
    rows = judged(
        "from a import x\n",
        {
            "gallery_train/a": "from pack import b\n", "gallery_train/pack/__init__": "", "gallery_train/pack/c": "def f(:\n",
            "gallery_train/pack/b": "from .c import x\nfrom ..a import y\nfrom ...z import q\n",
        },
    )  # fmt: skip
    assert rows == [("python_syntax", "error", "pack/c.py", 1), ("import_outside", "warning", "pack/b.py", 3)]


def test_scripts_that_nobody_imports_are_left_alone() -> None:
    assert judged("x = 1", {"gallery_train/other": "def f(:\n", "elsewhere": "def f(:\n"}) == []


def test_circles_end() -> None:
    assert judged("import a", {"gallery_train/a": "import b", "gallery_train/b": "import a\nimport train"}) == []


def test_many_scripts_are_not_all_checked() -> None:
    chain = {f"gallery_train/m{number}": f"import m{number + 1}\n" for number in range(80)}
    codes = {row[0] for row in judged("import m0", chain)}
    assert codes == {"script_not_checked"}


def test_nothing_is_run(capfd: pytest.CaptureFixture[str]) -> None:
    hostile = "import os\nos.write(1, b'run')\nraise SystemExit(3)\n"
    inference = hostile + SERVING["gallery_inference/inference.py"]
    assert report(TRAINING | {TRAIN: hostile, "gallery_inference/inference.py": inference}).findings == ()
    assert capfd.readouterr().out == ""
