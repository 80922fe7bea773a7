"""Finds what `gallery_inference/inference.py` offers, by the rules the gallery's validator reads its text by, and makes it.

Forms: a class with `__init__` and `__call__`, the same with `init` and `call` for names, functions `init` and `call`.
"""

import importlib.util
import inspect
import os
import sys
import traceback
import types
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PACKAGE, SCRIPT = "gallery_inference", "inference.py"
CALLS = ("__call__", "call")
INITS = ("__init__", "init")
_FOREIGN = 1
_OWN = 2


class LoadError(Exception):
    """The model cannot be served: `code` is stable, the text a sentence for its author."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Served:
    """What answers requests: `call(inputs, **parameters)`. `form` is "class" or "functions", the others are names in the script."""

    call: Callable[..., Any]
    form: str
    name: str
    init: str
    called: str
    documentation: str

    def metadata(self) -> dict[str, Any]:
        """Return what an editor of requests needs: the signature as text, the parameters, and what the author wrote about it."""
        found = signature(self.call)
        parameters = list(found.parameters.values())[1:] if found else []
        named = [each for each in parameters if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)]
        return {
            "form": self.form,
            "name": self.name,
            "init": self.init,
            "call": self.called,
            "signature": str(found) if found else "(inputs, **params)",
            "parameters": [
                {
                    "name": each.name,
                    "default": each.default if isinstance(each.default, str | int | float | bool) else None,
                    "type": "" if each.annotation is each.empty else inspect.formatannotation(each.annotation),
                }
                for each in named
            ],
            "any_parameter": found is None or any(each.kind is each.VAR_KEYWORD for each in parameters),
            "documentation": self.documentation,
        }


def signature(call: Callable[..., Any]) -> inspect.Signature | None:
    """Return the signature, None where Python cannot tell it."""
    try:
        return inspect.signature(call)
    except (ValueError, TypeError):
        return None


def last_line(error: BaseException) -> str:
    """Return the last line of the traceback, at most 1,000 characters of it."""
    lines = "".join(traceback.format_exception_only(type(error), error)).strip().splitlines()
    return (lines[-1] if lines else type(error).__name__).removeprefix(f"{PACKAGE}.{Path(SCRIPT).stem}.")[:1000]


def import_script(model: Path) -> types.ModuleType:
    """Run `inference.py` of a model as a module of the package `gallery_inference`: its neighbours can be imported by either kind of name.

    Its folder becomes the working directory and the first place to import from. Raises `LoadError`.
    """
    folder = model / PACKAGE
    script = folder / SCRIPT
    if not script.is_file():
        raise LoadError("script_missing", f"There is no {PACKAGE}/{SCRIPT} in the model.")
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    try:
        package = folder / "__init__.py"
        if package.is_file():
            _run(PACKAGE, package, [str(folder)])
        else:
            holder = types.ModuleType(PACKAGE)
            holder.__path__ = [str(folder)]
            sys.modules[PACKAGE] = holder
        return _run(f"{PACKAGE}.{script.stem}", script, None)
    except SyntaxError as error:
        where = f"{Path(error.filename or SCRIPT).name}, line {error.lineno or 1}"
        raise LoadError("python_syntax", f"Python cannot read {where}: {error.msg}.") from error
    except (Exception, SystemExit) as error:
        raise LoadError("import_failed", f"{PACKAGE}/{SCRIPT} cannot be imported: {last_line(error)}") from error


def _run(name: str, path: Path, places: list[str] | None) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=places)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def find(module: types.ModuleType) -> Served:
    """Return what the script serves with, made and initialised. Raises `LoadError`; what its initialisation raises is one too."""
    owner, called = _choose(module)
    if owner is None:
        call, init = vars(module)["call"], vars(module).get("init")
        if init is None:
            raise LoadError("init_missing", "There is no init to load the model once. Define it without arguments.")
        _check_call(call, "call")
        _check_init(init, "init")
        _initialise(init, "init")
        return Served(call, "functions", "", "init", "call", inspect.getdoc(call) or inspect.getdoc(module) or "")
    init_name = next((name for state in (_OWN, _FOREIGN) for name in INITS if _state(owner, name) == state), INITS[0])
    _check_init(owner, f"{owner.__name__}.__init__")
    made = _initialise(owner, owner.__name__)
    if init_name == "init":
        _check_init(made.init, f"{owner.__name__}.init")
        _initialise(made.init, f"{owner.__name__}.init")
    # The method itself: of an object with a static `__call__`, Python 3.11 tells the wrong signature.
    call = getattr(made, called)
    _check_call(call, f"{owner.__name__}.{called}")
    # Not getdoc of the call: that falls back on what Python says of every call.
    documentation = inspect.cleandoc(getattr(owner, called).__doc__ or "") or inspect.getdoc(owner) or ""
    return Served(call, "class", owner.__name__, init_name, called, documentation)


def _initialise(make: Callable[[], Any], name: str) -> Any:
    try:
        return make()
    except (Exception, SystemExit) as error:
        raise LoadError("init_failed", f"{name} failed: {last_line(error)}") from error


def _choose(module: types.ModuleType) -> tuple[type | None, str]:
    """Return the class that serves and the name of its call; None for functions."""
    own = [each for each in vars(module).values() if isinstance(each, type) and each.__module__ == module.__name__]
    own = list(dict.fromkeys(own))
    candidates = [(each, call) for each in own if (call := _call_of(each))]
    certain = [each for each in candidates if _state(*each) == _OWN]
    has_function = callable(vars(module).get("call"))
    chosen = _leaves(certain or ([] if has_function else candidates), vars(module).get("__all__", ()))
    if not chosen:
        if has_function:
            return None, "call"
        if own:
            names = ", ".join(each.__name__ for each in own)
            raise LoadError("call_missing", f"No class here can be called ({names}). Give the one that serves requests a method __call__.")
        raise LoadError(
            "class_missing", "Nothing here serves requests. Define a class with __init__(self) and __call__(self, inputs, **params)."
        )
    fitting = [each for each in chosen if _fits(*each)] or chosen
    if len(fitting) > 1:
        names = ", ".join(each.__name__ for each, _ in fitting)
        code = "class_ambiguous" if len(fitting) < len(chosen) or _fits(*fitting[0]) else "class_none_fits"
        raise LoadError(code, f"Several classes could serve requests: {names}. Keep one, or name it in __all__.")
    return fitting[0]


def _state(owner: type, name: str) -> int:
    """Say whether a class has a method from the folder of the model, from elsewhere, or not at all."""
    for base in owner.__mro__:
        if name in vars(base) and base is not object and base.__module__ not in ("abc", "typing"):
            return _OWN if _in_folder(base) else _FOREIGN
    return 0


def _in_folder(owner: type) -> bool:
    path = getattr(sys.modules.get(owner.__module__), "__file__", None)
    return bool(path) and Path(str(path)).resolve().is_relative_to(Path.cwd().resolve())


def _call_of(owner: type) -> str:
    states = {name: _state(owner, name) for name in CALLS}
    return next((name for state in (_OWN, _FOREIGN) for name in CALLS if states[name] == state), "")


def _leaves(candidates: list[tuple[type, str]], offered: Any) -> list[tuple[type, str]]:
    """Return the candidates that no other one builds on, public where one is, and named in `__all__` where one is."""
    bases = {base for owner, _ in candidates for base in owner.__bases__}
    leaves = [each for each in candidates if each[0] not in bases]
    public = [each for each in leaves if not each[0].__name__.startswith("_")] or leaves
    names = set(offered) if isinstance(offered, list | tuple) else set()
    return [each for each in public if each[0].__name__ in names] or public


def _fits(owner: type, called: str) -> bool:
    if not any(_state(owner, name) for name in INITS):
        return False
    try:
        _check_init(owner, owner.__name__)
        _check_call(inspect.unwrap(getattr(owner, called)), owner.__name__, bound=not _is_static(owner, called))
    except LoadError:
        return False
    return True


def _is_static(owner: type, name: str) -> bool:
    return isinstance(inspect.getattr_static(owner, name), staticmethod | classmethod)


def _check_init(init: Callable[..., Any], name: str) -> None:
    if inspect.iscoroutinefunction(init) or inspect.isgeneratorfunction(init):
        raise LoadError("contract_not_plain", f"{name} is asynchronous or a generator. Make it a plain method.")
    found = signature(init)
    needed = [each.name for each in found.parameters.values() if _must_be_given(each)] if found else []
    if needed:
        raise LoadError("init_arguments", f"{name} needs {', '.join(needed)}, and nobody gives it. Read ENV_AG_MODEL_DIR, or set defaults.")


def _check_call(call: Callable[..., Any], name: str, *, bound: bool = False) -> None:
    plain = call if inspect.isroutine(call) or not hasattr(call, "__call__") else type(call).__call__  # noqa: B004
    if any(test(plain) for test in (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)):
        raise LoadError("contract_not_plain", f"{name} is asynchronous or a generator. Make it a plain method that returns its answer.")
    found = signature(call)
    if found is None:
        return
    parameters = list(found.parameters.values())[1 if bound else 0 :]
    positional = [each for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD, each.VAR_POSITIONAL)]
    if not positional:
        raise LoadError("call_inputs", f"{name} takes no inputs. Give it a parameter for them: (inputs, **params).")
    needed = [each.name for each in parameters[1:] if _must_be_given(each)]
    if needed:
        raise LoadError("call_arguments", f"{name} needs {', '.join(needed)} beside the inputs. Set defaults.")


def _must_be_given(each: inspect.Parameter) -> bool:
    return each.default is each.empty and each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
