"""Programs: recognised by their first bytes, or by a name that a system runs."""

import re
from collections.abc import Iterator

from inspection.files import File
from inspection.safety.findings import Finding
from inspection.safety.forms import ARCHIVE, OTHER, PROGRAM, PYTHON, SHELL, SOURCE, STARTER, form_of

_SIGNATURES = (
    (b"\x7fELF", "ELF"),
    (b"\xca\xfe\xba\xbe", "Java class or Mach-O"),
    (b"\xca\xfe\xba\xbf", "Mach-O"),
    (b"\xfe\xed\xfa\xce", "Mach-O"),
    (b"\xfe\xed\xfa\xcf", "Mach-O"),
    (b"\xce\xfa\xed\xfe", "Mach-O"),
    (b"\xcf\xfa\xed\xfe", "Mach-O"),
    (b"\0asm", "WebAssembly"),
    (b"dex\n03", "Android"),
    (b"L\0\0\0\x01\x14\x02\0", "Windows shortcut"),
    (b"BC\xc0\xde", "LLVM"),
    (b"!<arch>\ndebian", "Debian package"),
    (b"\xed\xab\xee\xdb", "RPM package"),
    (b"xar!", "macOS installer"),
    (b"MSCF", "Windows cabinet"),
)
_INTERPRETER = re.compile(rb"#!\s*/")
_PYTHON_BYTECODE = re.compile(rb"[\x00-\xff][\x0c-\x0f]\r\n[\x00-\x03]\0\0\0", re.DOTALL)


def program(file: File, head: bytes) -> str | None:
    """Return what kind of program the first bytes announce, or None."""
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            if kind == "Java class or Mach-O":
                # A Mach-O for several processors counts them here; for a Java class this is its version, 45 and above.
                return "Mach-O" if int.from_bytes(head[4:8], "big") < 40 else "Java class"
            return kind
    if head.startswith(b"MZ") and len(head) >= 64:
        at = int.from_bytes(head[60:64], "little")
        if form_of(file.path) == PROGRAM or file.read(at, at + 4) == b"PE\0\0":
            return "Windows program"
    if len(head) >= 16 and _PYTHON_BYTECODE.match(head) and head[16:17] in (b"\xe3", b"c"):
        return "Python bytecode"
    return None


def found_program(kind: str, form: str) -> Finding:
    """Return the finding for a program: a danger where its name says that it is something else."""
    disguised = form not in (PROGRAM, OTHER, ARCHIVE, STARTER)
    return Finding("disguised_program" if disguised else "program", "danger" if disguised else "caution", "", {"kind": kind})


def script(head: bytes, form: str) -> Iterator[Finding]:
    """Yield a finding for text that a system runs by its name, or that names its interpreter where nobody looks for a program."""
    if form == STARTER:
        yield Finding("script", "caution")
    elif form not in (PYTHON, SHELL, SOURCE, PROGRAM, OTHER) and _INTERPRETER.match(head):
        yield Finding("disguised_script", "caution")
