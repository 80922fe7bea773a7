"""What `inference.py` must define, read from its text."""

import pytest

from toolchain.tests.samples import Tree, found, places, report

PATH = "gallery_inference/inference.py"
INIT = "    def __init__(self): pass\n"
CALL = "    def __call__(self, inputs, **params): return inputs\n"
GOOD = f"class Model:\n{INIT}{CALL}"


def judged(script: str, **more: str) -> list[tuple[str, str, int | None]]:
    tree: Tree = {PATH: script} | {f"gallery_inference/{name.replace('__', '/')}.py": text for name, text in more.items()}
    rows = found(tree)
    return [(code, path.removeprefix("gallery_inference/"), line) for code, _severity, path, line in rows]


def serving(script: str, **more: str) -> tuple[str, str, str, str] | None:
    tree: Tree = {PATH: script} | {f"gallery_inference/{name}.py": text for name, text in more.items()}
    said = report(tree).serving
    return (said.form, said.name, said.init, said.call) if said else None


MODEL = ("class", "Model", "__init__", "__call__")


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (GOOD, MODEL),
        (f"class Model:\n    def __init__(self, folder=None, *, device='cpu', **more): pass\n{CALL}", MODEL),
        (f"class Model:\n    def __init__(self, *args): pass\n{CALL}", MODEL),
        (f"class Model:\n{INIT}    def __call__(self, *args, **params): pass\n", MODEL),
        (f"class Model:\n{INIT}    def __call__(self, inputs, /, top_k=5, *, seed=0, **params): pass\n", MODEL),
        (f"class Model:\n{INIT}    def __call__(self, inputs=None, **params): pass\n", MODEL),
        (f"class Model:\n{INIT}    @torch.no_grad()\n    def __call__(self, inputs, **params): pass\n", MODEL),
        (f"class Model:\n{INIT}    @staticmethod\n    def __call__(inputs, **params): pass\n", MODEL),
        (f"class Model:\n{INIT}    @classmethod\n    def __call__(cls, inputs, **params): pass\n", MODEL),
        (f"class Model:\n{INIT}    def predict(self, inputs, **params): pass\n    __call__ = predict\n", MODEL),
        (f"class Model:\n{INIT}    __call__ = lambda self, inputs, **params: inputs\n", MODEL),
        (f"class Model:\n{INIT}    if True:\n        def __call__(self, inputs, **params): pass\n", MODEL),
        (f"try:\n    import torch\nexcept ImportError:\n    torch = None\nelse:\n    class Model:\n    {INIT}    {CALL}", MODEL),
        (f"class Model:\n{INIT}    def __call__(self, inputs, **params):\n        def inner():\n            yield 1\n        return inner\n", MODEL),
        (f"@register\nclass Model:\n{INIT}{CALL}", MODEL),
        (f"import dataclasses\n@dataclasses.dataclass\nclass Model:\n    size: int = 3\n    kind: ClassVar[str]\n{CALL}", MODEL),
        ("class Chat:\n    def init(self): pass\n    def call(self, inputs, **params): pass\n", ("class", "Chat", "init", "call")),
        ("class Chat:\n    def __init__(self): pass\n    def call(self, inputs, **params): pass\n", ("class", "Chat", "__init__", "call")),
        ("def init(): pass\ndef call(inputs, **params): pass\n", ("functions", "", "init", "call")),
    ],
    ids=range(19),
)  # fmt: skip
def test_forms_that_serve(script: str, expected: tuple[str, str, str, str]) -> None:
    assert judged(script) == []
    assert serving(script) == expected


@pytest.mark.parametrize(
    ("script", "code", "line"),
    [
        ("x = 1\n", "class_missing", 1),
        ("def init(): pass\n", "class_missing", 1),
        ("def main():\n    class Model:\n        pass\n", "class_missing", 1),
        (f"class Model:\n{INIT}", "call_missing", 1),
        (f"x = 1\nclass Model:\n{INIT}    def predict(self, inputs): pass\n", "call_missing", 2),
        (f"class Model:\n{INIT}    @abstractmethod\n    def __call__(self, inputs, **params): pass\n", "call_missing", 1),
        (f"class Model:\n{CALL}", "init_missing", 1),
        (f"class Model:\n    def __init__(self, folder): pass\n{CALL}", "init_arguments", 2),
        (f"class Model:\n    def __init__(self, *, folder): pass\n{CALL}", "init_arguments", 2),
        (f"class Model:\n    def __init__(self, a=1, *, b, c=2): pass\n{CALL}", "init_arguments", 2),
        (f"class Model:\n    def __init__(): pass\n{CALL}", "self_missing", 2),
        (f"class Model:\n    async def __init__(self): pass\n{CALL}", "contract_not_plain", 2),
        (f"class Model:\n{INIT}    def __call__(self, **params): pass\n", "call_inputs", 3),
        (f"class Model:\n{INIT}    def __call__(self, *, inputs, **params): pass\n", "call_inputs", 3),
        (f"class Model:\n{INIT}    def __call__(**params): pass\n", "self_missing", 3),
        (f"class Model:\n{INIT}    def __call__(self, inputs, top_k, **params): pass\n", "call_arguments", 3),
        (f"class Model:\n{INIT}    def __call__(self, inputs, *, seed, **params): pass\n", "call_arguments", 3),
        (f"class Model:\n{INIT}    async def __call__(self, inputs, **params): pass\n", "contract_not_plain", 3),
        (f"class Model:\n{INIT}    def __call__(self, inputs, **params):\n        yield inputs\n", "contract_not_plain", 3),
        (f"class Model:\n{INIT}    @property\n    def __call__(self): pass\n", "contract_not_function", 4),
        (f"@dataclass\nclass Model:\n    folder: str\n{CALL}", "init_arguments", 2),
        ("def call(inputs, **params): pass\n", "init_missing", 1),
        ("def init(folder): pass\ndef call(inputs, **params): pass\n", "init_arguments", 1),
        ("def init(): pass\ndef call(**params): pass\n", "call_inputs", 2),
        ("def init(): pass\nasync def call(inputs, **params): pass\n", "contract_not_plain", 2),
    ],
    ids=range(25),
)  # fmt: skip
def test_forms_that_do_not(script: str, code: str, line: int) -> None:
    assert places(report({PATH: script}).findings) == [(code, "error", PATH, line)]
    assert serving(script) is None


def test_call_without_any_parameters_is_a_warning() -> None:
    script = f"class Model:\n{INIT}    def __call__(self, inputs, top_k=5): pass\n"
    assert places(report({PATH: script}).findings) == [("call_params", "warning", PATH, 3)]
    assert serving(script) == MODEL


@pytest.mark.parametrize(
    ("script", "more"),
    [
        (f"class Base:\n{INIT}{CALL}\nclass Model(Base): pass\n", {}),
        (f"class Base:\n{INIT}\nclass Calls:\n{CALL}\nclass Model(Base, Calls): pass\n", {}),
        (f"from base import Base\nclass Model(Base):\n{CALL}", {"base": f"class Base:\n{INIT}"}),
        ("from .base import Base as B\nclass Model(B): pass\n", {"base": GOOD.replace("Model", "Base")}),
        ("import base\nclass Model(base.Base): pass\n", {"base": GOOD.replace("Model", "Base")}),
        (f"from abc import ABC\nclass Model(ABC):\n{INIT}{CALL}", {}),
        (f"from typing import Generic\nclass Model(Generic[T], object):\n{INIT}{CALL}", {}),
    ],
)
def test_inherited_methods_count(script: str, more: dict[str, str]) -> None:
    assert judged(script, **more) == []
    assert serving(script, **more) == MODEL


def test_mistake_in_an_inherited_method_is_told_where_it_stands() -> None:
    rows = judged("from base import Base\nclass Model(Base): pass\n", base=f"class Base:\n    def __init__(self, folder): pass\n{CALL}")
    assert rows == [("init_arguments", "base.py", 2)]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("from serving import Base\nclass Model(Base): pass\n", [("contract_unproven", 2), ("contract_unproven", 2)]),
        (f"from torch import nn\nclass Model(nn.Module):\n{INIT}", [("contract_unproven", 2)]),
        (f"from serving import Base\nclass Model(Base):\n{INIT}    __call__ = make()\n", [("contract_unproven", 4)]),
        (f"class Model(factory()):\n{INIT}{CALL}", []),
        (f"@attrs.define\nclass Model:\n    folder: str\n{CALL}", [("contract_unproven", 2)]),
    ],
)
def test_what_comes_from_elsewhere_cannot_be_proven(script: str, expected: list[tuple[str, int]]) -> None:
    rows = report({PATH: script}).findings
    assert [(finding.code, finding.line) for finding in rows] == expected
    assert all(finding.severity == "warning" for finding in rows)
    assert serving(script) == MODEL


OTHER = "class Other:\n    def __init__(self, size): pass\n    def __call__(self, picture): pass\n"


@pytest.mark.parametrize(
    "script",
    [
        OTHER + GOOD,
        GOOD + OTHER,
        f"class Net(nn.Module):\n    def forward(self, x): pass\n{GOOD}",
        GOOD.replace("Model", "_Helper") + GOOD,
        f"__all__ = ['Model']\n{GOOD.replace('Model', 'Second')}{GOOD}",
        f"class Stop(StoppingCriteria):\n    def __call__(self, ids, scores, **more): pass\n    def __init__(self, words): pass\n{GOOD}",
        "def call(inputs): pass\n" + GOOD,
    ],
    ids=range(7),
)
def test_the_class_that_fits_is_chosen(script: str) -> None:
    assert serving(script) == MODEL
    assert report({PATH: script}).errors == 0


def test_two_classes_that_fit_are_one_too_many() -> None:
    script = GOOD + GOOD.replace("Model", "Second")
    assert judged(script) == [("class_ambiguous", "inference.py", 4)]
    assert report({PATH: script}).findings[0].facts == {"classes": "Model, Second"}


def test_two_classes_that_do_not_fit_are_each_explained() -> None:
    rows = judged(OTHER + OTHER.replace("Other", "Second"))
    assert rows == [
        ("class_none_fits", "inference.py", 1), ("init_arguments", "inference.py", 2), ("init_arguments", "inference.py", 5),
        ("call_params", "inference.py", 3), ("call_params", "inference.py", 6),
    ]  # fmt: skip


def test_circular_and_long_inheritance_ends() -> None:
    assert judged("class A(B): pass\nclass B(A): pass\n") == [("call_missing", "inference.py", 2)]
    chain = "".join(f"class C{number}(C{number + 1}): pass\n" for number in range(3000))
    assert judged(chain)[0][0] in ("call_missing", "class_none_fits", "contract_unproven")
