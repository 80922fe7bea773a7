"""Code that hides what it does. Code as such is what a repository may hold, and is no finding."""

import ast
import re
from collections.abc import Iterator

from inspection.safety.findings import Finding

MOST_CODE = 1 << 20
MOST_NODES = 2_000_000
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_PACKED = re.compile(r"decode|decompress|fromhex|unhexlify|a2b_|loads|chr\b|rot.?13")
_RUNNING = re.compile(r"\b(?:exec|eval|compile|__import__|FunctionType|CodeType|run_source_code|getattr)\b")
_HOOKING = re.compile(r"\b(?:cmdclass|dup2)\b")
_RUNS = {"exec", "eval", "compile", "__import__", "FunctionType", "CodeType", "run_source_code"}
_UNPACKS = {
    "b64decode", "b32decode", "b16decode", "b85decode", "a85decode", "urlsafe_b64decode", "standard_b64decode", "decodebytes",
    "fromhex", "unhexlify", "a2b_base64", "a2b_hex", "decompress", "loads_marshal", "rot13",
}  # fmt: skip
_UNPACKED_NAME = re.compile(r"^(?:marshal|zlib|lzma|bz2|base64|binascii|codecs|gzip)\.")
_BUILTINS = {"builtins", "__builtins__", "__builtin__"}
_HOOKS = {"cmdclass"}
_OUTSIDE = {"system", "popen", "Popen", "run", "call", "check_call", "check_output", "urlopen", "urlretrieve", "exec", "eval", "spawn"}
_SHELL = (
    (re.compile(r"/dev/(?:tcp|udp)/[\w.$\{-]+/[\w$\{]+"), "reverse_shell"),
    (re.compile(r"\bnc(?:at)?\s+(?:-\w+\s+)*-[ec]\s*/?\w*/?(?:sh|bash|cmd)"), "reverse_shell"),
    (re.compile(r"base64\s+(?:-d|-D|--decode)[^\n|]*\|\s*(?:sudo\s+)?(?:ba|z|da)?sh\b"), "obfuscated_code"),
    (re.compile(r"\beval\s+[\"']?\$\(\s*(?:echo|printf)[^)\n]*\|\s*(?:base64|xxd|openssl)"), "obfuscated_code"),
    (re.compile(r"(?i)powershell[^\n]*\s-e(?:nc(?:odedcommand)?)?\s+[A-Za-z0-9+/=]{40}"), "obfuscated_code"),
)


def code(text: str, form: str) -> Iterator[Finding]:
    """Yield what hides or attacks in code; `form` is "python" or "shell" or another language, of which only the letters are judged."""
    if match := _BIDI.search(text):
        yield Finding("bidi_controls", "caution", "", {"line": _line(text, match.start())})
    # A tree takes time; without these words there is nothing to find in one. Names are normalised, so other letters may spell them.
    if form == "python" and (not text.isascii() or _HOOKING.search(text) or (_PACKED.search(text) and _RUNNING.search(text))):
        yield from _python(text)
    for pattern, name in _SHELL if form in ("shell", "python") else ():
        if match := pattern.search(text):
            yield Finding(name, "caution", "", {"line": _line(text, match.start())})


def path_hook(text: str) -> Iterator[Finding]:
    """Yield a finding for a text `.pth` file with a line that Python runs at each start where the file lies among the packages."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(("import ", "import\t")):
            yield Finding("python_path_hook", "danger", "", {"line": number})
            return


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _python(text: str) -> Iterator[Finding]:
    try:
        tree = ast.parse(text if len(text) <= MOST_CODE else "(")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        # Another version's syntax, no Python, or more than a tree of it has room for: the letters have to do.
        if match := re.search(r"(?:exec|eval)\s*\(\s*(?:__import__\(|base64\.|zlib\.|marshal\.|codecs\.)", text):
            yield Finding("obfuscated_code", "caution", "", {"line": _line(text, match.start())})
        return
    unpacked: set[str] = set()
    hook = outside = 0
    sockets = duplicates = 0
    for count, node in enumerate(ast.walk(tree)):
        if count > MOST_NODES:
            return
        if isinstance(node, ast.Assign) and _unpacks(node.value):
            unpacked.update(target.id for target in node.targets if isinstance(target, ast.Name))
        if not isinstance(node, ast.Call):
            continue
        name = _name(node.func)
        last = name.rpartition(".")[2]
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        if _runs(node.func) and any(_unpacks(part) or _names(part) & unpacked for part in given):
            yield Finding("obfuscated_code", "caution", "", {"line": node.lineno})
        hook = hook or any(keyword.arg in _HOOKS for keyword in node.keywords) * node.lineno
        outside = outside or (last in _OUTSIDE and name.split(".")[0] in ("os", "subprocess", "urllib", "requests", "exec", "eval")) * 1
        sockets = sockets or (last == "socket") * 1
        duplicates = duplicates or (name == "os.dup2") * node.lineno
    if hook and outside:
        yield Finding("install_hook", "caution", "", {"line": hook})
    if sockets and duplicates:
        yield Finding("reverse_shell", "caution", "", {"line": duplicates})


def _name(node: ast.expr) -> str:
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        parts.append(node.id)
    elif isinstance(node, ast.Call) and _name(node.func) == "__import__" and node.args and isinstance(node.args[0], ast.Constant):
        parts.append(str(node.args[0].value))
    return ".".join(reversed(parts))


def _runs(function: ast.expr) -> bool:
    """Whether calling `function` runs code: exec and its like as such, by way of a module, or looked up by name."""
    root, _dot, last = _name(function).rpartition(".")
    if last in _RUNS and (root in ("", "types", "code") or root in _BUILTINS):
        return True
    if isinstance(function, ast.Call) and _name(function.func) == "getattr" and len(function.args) > 1:
        asked = function.args[1]
        return asked.value in _RUNS if isinstance(asked, ast.Constant) else _name(function.args[0]) in _BUILTINS
    if isinstance(function, ast.Subscript):
        return isinstance(function.slice, ast.Constant) and function.slice.value in _RUNS
    return False


def _unpacks(node: ast.expr) -> bool:
    """Whether the value comes out of an encoding made to hide: unpacking functions, marshal, or very long literals of them."""
    for part in ast.walk(node):
        if isinstance(part, ast.Call):
            name = _name(part.func)
            last = name.rpartition(".")[2]
            if last in _UNPACKS or name == "marshal.loads" or (last in ("decode", "loads") and _UNPACKED_NAME.match(name)):
                return True
            if name == "chr" or (
                last == "join" and any(_name(inner.func) == "chr" for inner in ast.walk(part) if isinstance(inner, ast.Call))
            ):
                return True
    return False


def _names(node: ast.expr) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
