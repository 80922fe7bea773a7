"""The worker finds in a script what the validator found in its text."""

import json
import subprocess
import sys

import pytest

from toolchain.inference.engines import SOURCE
from toolchain.inference.tests.replicas import model
from toolchain.tests.samples import report

HEAD = "from abc import ABC, abstractmethod\nfrom dataclasses import dataclass\n"
SCRIPTS = {
    "class": "class Model:\n    def __init__(self): pass\n    def __call__(self, inputs, **params): return inputs",
    "named": "class Model:\n    def init(self): pass\n    def call(self, inputs, **params): return inputs",
    "mixed": "class Model:\n    def __init__(self): pass\n    def call(self, inputs, **params): return inputs",
    "both": "class Model:\n    def __init__(self): pass\n    def init(self): pass\n    def call(self, inputs): return 1\n    def __call__(self, inputs): return 2",  # noqa: E501
    "functions": "def init(): pass\ndef call(inputs, **params): return inputs",
    "class_before_functions": "def init(): pass\ndef call(inputs): return 1\nclass Model:\n    def __init__(self): pass\n    def __call__(self, inputs): return 2",  # noqa: E501
    "class_that_is_not_called": "class Box:\n    pass\ndef init(): pass\ndef call(inputs): return 1",
    "inherited": "from base import Base\nclass Model(Base):\n    def __init__(self): pass",
    "inherited_init": "from base import Base\nclass Model(Base):\n    def __call__(self, inputs): return 1",
    "leaf": "class Base:\n    def __init__(self): pass\n    def __call__(self, inputs): return 1\nclass Model(Base):\n    pass",
    "private": "class _Helper:\n    def __init__(self): pass\n    def __call__(self, inputs): return 1\nclass Model:\n    def __init__(self): pass\n    def __call__(self, inputs): return 2",  # noqa: E501
    "offered": "__all__ = ['B']\nclass A:\n    def __init__(self): pass\n    def __call__(self, inputs): return 1\nclass B:\n    def __init__(self): pass\n    def __call__(self, inputs): return 2",  # noqa: E501
    "one_fits": "class A:\n    def __init__(self, path): pass\n    def __call__(self, inputs): return 1\nclass B:\n    def __init__(self): pass\n    def __call__(self, inputs): return 2",  # noqa: E501
    "ambiguous": "class A:\n    def __init__(self): pass\n    def __call__(self, inputs): return 1\nclass B:\n    def __init__(self): pass\n    def __call__(self, inputs): return 2",  # noqa: E501
    "none_fits": "class A:\n    def __init__(self, a): pass\n    def __call__(self, inputs): return 1\nclass B:\n    def __init__(self, b): pass\n    def __call__(self, inputs): return 2",  # noqa: E501
    "foreign_call": "import contextlib\nclass Model(contextlib.ContextDecorator):\n    def init(self): pass\n    def call(self, inputs): return 1",
    "abstract": "class Base(ABC):\n    @abstractmethod\n    def __call__(self, inputs): ...\nclass Model(Base):\n    def __init__(self): pass\n    def __call__(self, inputs): return 1",  # noqa: E501
    "dataclass": "@dataclass\nclass Model:\n    size: int = 3\n    def __call__(self, inputs): return 1",
    "dataclass_needs": "@dataclass\nclass Model:\n    size: int\n    def __call__(self, inputs): return 1",
    "static": "class Model:\n    def __init__(self): pass\n    @staticmethod\n    def __call__(inputs, **params): return 1",
    "lambda": "class Model:\n    def __init__(self): pass\n    __call__ = lambda self, inputs: inputs",
    "alias": "class Model:\n    def __init__(self): pass\n    def predict(self, inputs, **params): return 1\n    __call__ = predict",
    "conditional": "if True:\n    class Model:\n        def __init__(self): pass\n        def __call__(self, inputs): return 1",
    "nothing": "x = 1",
    "no_call": "class Model:\n    def __init__(self): pass",
    "no_init": "def call(inputs): return 1",
    "init_needs": "class Model:\n    def __init__(self, path): pass\n    def __call__(self, inputs): return 1",
    "no_inputs": "class Model:\n    def __init__(self): pass\n    def __call__(self): return 1",
    "call_needs": "class Model:\n    def __init__(self): pass\n    def __call__(self, inputs, top_k): return 1",
    "keyword_needed": "class Model:\n    def __init__(self): pass\n    def __call__(self, inputs, *, top_k): return 1",
    "asynchronous": "class Model:\n    def __init__(self): pass\n    async def __call__(self, inputs): return 1",
    "generator": "class Model:\n    def __init__(self): pass\n    def __call__(self, inputs): yield 1",
    "asynchronous_function": "def init(): pass\nasync def call(inputs): return 1",
}

# Each in a fork, since a script changes the modules and the working directory of its process.
CHILD = """
import json, os, sys
from pathlib import Path
from serving.loading import LoadError, find, import_script
for folder in sys.argv[1:]:
    if os.fork() == 0:
        try:
            served = find(import_script(Path(folder)))
            said = [served.form, served.name, served.init, served.called]
        except LoadError as error:
            said = error.code
        print(json.dumps([Path(folder).name, said]), flush=True)
        os._exit(0)
    os.wait()
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str] | str]:
    place = tmp_path_factory.mktemp("scripts")
    base = "class Base:\n    def __init__(self): pass\n    def __call__(self, inputs): return 0\n"
    folders = [str(model(place / name, inference=HEAD + text, base=base)) for name, text in SCRIPTS.items()]
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *folders], env={"PYTHONPATH": str(SOURCE.parent)}, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(line) for line in done.stdout.splitlines())


@pytest.mark.parametrize("name", SCRIPTS)
def test_what_is_served_is_what_was_validated(name: str, found: dict[str, list[str] | str]) -> None:
    base = "class Base:\n    def __init__(self): pass\n    def __call__(self, inputs): return 0\n"
    said = report({"gallery_inference/inference.py": HEAD + SCRIPTS[name], "gallery_inference/base.py": base})
    errors = {finding.code for finding in said.findings if finding.severity == "error" and finding.path.endswith(".py")}
    if said.serving is not None and not errors:
        assert found[name] == [said.serving.form, said.serving.name, said.serving.init, said.serving.call]
    else:
        assert found[name] in errors


def test_the_samples_have_both(found: dict[str, list[str] | str]) -> None:
    served = {name for name, said in found.items() if isinstance(said, list)}
    assert (len(served), len(SCRIPTS)) == (20, 33)
