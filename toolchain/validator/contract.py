"""What `inference.py` must define: an initialisation without arguments, and a call that takes inputs and parameters.

Three forms count, the first where there are several: a class with `__init__(self)` and `__call__(self, inputs, **params)`; the same with
`init` and `call` for names; functions `init()` and `call(inputs, **params)`. All is read from the parsed text.
"""

import ast
from dataclasses import dataclass

from toolchain.validator.classes import Class, Classes, Function, Method, decorator_name, statements
from toolchain.validator.findings import Finding, Notes, Serving, shown
from toolchain.validator.scripts import Folder

CALLS = ("__call__", "call")
INITS = ("__init__", "init")
MOST_CLASSES, MOST_CANDIDATES = 200, 20


@dataclass(frozen=True)
class Candidate:
    """A class that can be called, as far as one can see."""

    owner: Class
    call: str
    method: Method
    notes: Notes

    @property
    def fits(self) -> bool:
        return not any(finding.severity == "error" for finding in self.notes.found)

    @property
    def certain(self) -> bool:
        return self.method.state == "found"


def check(tree: ast.Module, script: str, folder: Folder, notes: Notes) -> Serving | None:
    """Return what serves requests, with findings about it in `notes`; None where nothing can."""
    classes = Classes(folder, notes)
    own = list(classes.of(script).values())[:MOST_CLASSES]
    candidates = [_candidate(owner, call, classes, notes) for owner in own if (call := _call_of(owner, classes))]
    certain = [candidate for candidate in candidates if candidate.certain] or (candidates if _functions(tree).get("call") is None else [])
    if not certain:
        return _of_functions(tree, own, notes)
    chosen = _leaves(certain, classes, tree)[:MOST_CANDIDATES]
    fitting = [candidate for candidate in chosen if candidate.fits]
    if not fitting and len(chosen) > 1:
        if not any(candidate.certain for candidate in chosen):
            notes.error("call_missing", chosen[-1].owner.node.lineno, classes=_names(chosen))
            return None
        notes.error("class_none_fits", chosen[0].owner.node.lineno, classes=_names(chosen))
    if len(fitting) > 1:
        notes.error("class_ambiguous", fitting[1].owner.node.lineno, classes=_names(fitting))
        return None
    for candidate in fitting or chosen:
        notes.found += candidate.notes.found
    if not fitting:
        return None
    best = fitting[0]
    # An `init` that stands here is meant, whatever a base that nobody can see does when it is made.
    states = {name: classes.method(best.owner, name).state for name in INITS}
    init = next((name for state in ("found", "unknown") for name in INITS if states[name] == state), INITS[0])
    return Serving("class", best.owner.name, init, best.call)


def _names(candidates: list[Candidate]) -> str:
    return shown(", ".join(candidate.owner.name for candidate in candidates))


def _call_of(owner: Class, classes: Classes) -> str:
    """Return the name under which a class is called, "" for none; a name that is known wins over one that may be inherited."""
    states = {name: classes.method(owner, name).state for name in CALLS}
    for state in ("found", "unknown"):
        for name in CALLS:
            if states[name] == state:
                return name
    return ""


def _candidate(owner: Class, call: str, classes: Classes, notes: Notes) -> Candidate:
    about = Notes(notes.path, notes.concern)
    method = classes.method(owner, call)
    if method.function is not None:
        place = about.about(classes.folder.files[method.script].path)
        _check_call(method.function, place, f"{owner.name}.{call}", bound=True)
    else:
        about.warn("contract_unproven", method.line, name=f"{owner.name}.{call}", base=shown(method.base))
    _check_init(owner, classes, about)
    return Candidate(owner, call, method, about)


def _leaves(candidates: list[Candidate], classes: Classes, tree: ast.Module) -> list[Candidate]:
    """Return the candidates that no other one builds on and that are meant for others: public, and in `__all__` where that names one."""
    bases = {decorator_name(base) for candidate in candidates for base in candidate.owner.node.bases}
    leaves = [candidate for candidate in candidates if candidate.owner.name not in bases]
    public = [candidate for candidate in leaves if not candidate.owner.name.startswith("_")] or leaves
    offered = _offered(tree)
    return [candidate for candidate in public if candidate.owner.name in offered] or public


def _offered(tree: ast.Module) -> set[str]:
    for node in statements(tree.body):
        if isinstance(node, ast.Assign) and any(isinstance(target, ast.Name) and target.id == "__all__" for target in node.targets):
            if isinstance(node.value, ast.List | ast.Tuple):
                return {
                    element.value for element in node.value.elts if isinstance(element, ast.Constant) and isinstance(element.value, str)
                }
    return set()


def _functions(tree: ast.Module) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    return {node.name: node for node in statements(tree.body) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def _of_functions(tree: ast.Module, own: list[Class], notes: Notes) -> Serving | None:
    functions = _functions(tree)
    call, init = functions.get("call"), functions.get("init")
    if call is None:
        if own:
            notes.error("call_missing", own[-1].node.lineno, classes=shown(", ".join(known.name for known in own)))
        else:
            notes.error("class_missing", 1)
        return None
    before = _errors(notes.found)
    _check_call(call, notes, "call", bound=False)
    if init is None:
        notes.error("init_missing", call.lineno, name="init")
    else:
        _check_no_arguments(init, notes, "init", bound=False)
    return Serving("functions", "", "init", "call") if _errors(notes.found) == before else None


def _errors(found: list[Finding]) -> int:
    return sum(finding.severity == "error" for finding in found)


def _check_init(owner: Class, classes: Classes, notes: Notes) -> None:
    found = {name: classes.method(owner, name) for name in INITS}
    for name, method in found.items():
        if method.function is not None:
            place = notes.about(classes.folder.files[method.script].path)
            _check_no_arguments(method.function, place, f"{owner.name}.{name}", bound=True)
    if any(method.state == "found" for method in found.values()):
        return
    decorators = {decorator_name(decorator) for decorator in owner.node.decorator_list}
    if "dataclass" in decorators:
        if needed := _fields(owner.node):
            notes.error("init_arguments", owner.node.lineno, name=f"{owner.name}.__init__", arguments=shown(", ".join(needed)))
    elif any(method.state == "unknown" for method in found.values()) or decorators:
        base = next((method.base for method in found.values() if method.base), "") or "@" + sorted(decorators)[0]
        notes.warn("contract_unproven", owner.node.lineno, name=f"{owner.name}.__init__", base=shown(base))
    else:
        notes.error("init_missing", owner.node.lineno, name=f"{owner.name}.__init__")


def _fields(node: ast.ClassDef) -> list[str]:
    """Return the fields of a dataclass that have to be given."""
    return [
        statement.target.id
        for statement in statements(node.body)
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value is None
        and "ClassVar" not in ast.unparse(statement.annotation)[:200]
    ]  # fmt: skip


@dataclass(frozen=True)
class _Signature:
    """The parameters that a caller sees: positional ones, those of them and of the named ones that must be given, and catch-alls."""

    positional: list[str]
    required: list[str]
    required_names: list[str]
    any_positional: bool
    any_named: bool


def _signature(function: Function, notes: Notes, name: str, *, bound: bool) -> _Signature | None:
    """Return what is left of the parameters when the function is called on an object, or None with a finding."""
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    required = len(positional) - len(arguments.defaults)
    named = [given.arg for given, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if default is None]
    decorators = {decorator_name(each) for each in getattr(function, "decorator_list", [])}
    if "property" in decorators:
        notes.error("contract_not_function", function.lineno, name=name)
        return None
    skipped = 1 if bound and "staticmethod" not in decorators else 0
    if skipped and not positional and arguments.vararg is None:
        notes.error("self_missing", function.lineno, name=name)
        return None
    if isinstance(function, ast.AsyncFunctionDef) or _yields(function):
        notes.error("contract_not_plain", function.lineno, name=name)
        return None
    names = [each.arg for each in positional]
    return _Signature(names[skipped:], names[skipped:required], named, arguments.vararg is not None, arguments.kwarg is not None)


def _yields(function: Function) -> bool:
    """Say whether a function is a generator, which its own `yield` makes it, not one of a function inside."""
    if isinstance(function, ast.Lambda):
        return False
    stack: list[ast.AST] = list(function.body)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            stack += ast.iter_child_nodes(node)
    return False


def _check_call(function: Function, notes: Notes, name: str, *, bound: bool) -> None:
    found = _signature(function, notes, name, bound=bound)
    if found is None:
        return
    if not found.positional and not found.any_positional:
        notes.error("call_inputs", function.lineno, name=name)
    elif needed := [*found.required[1:], *found.required_names]:
        notes.error("call_arguments", function.lineno, name=name, arguments=shown(", ".join(needed)))
    if not found.any_named:
        notes.warn("call_params", function.lineno, name=name)


def _check_no_arguments(function: Function, notes: Notes, name: str, *, bound: bool) -> None:
    found = _signature(function, notes, name, bound=bound)
    if found is not None and (needed := [*found.required, *found.required_names]):
        notes.error("init_arguments", function.lineno, name=name, arguments=shown(", ".join(needed)))
