"""Builds one environment; runs inside a run, with the standard library only.

Written are `step <i> of <n>: <name>`, what uv says, indented, and at the end `outcome: {"code", "detail"}`
or, where the environment is complete, `outcome: {"code": "", "packages"}`. Nothing of what is installed is executed, except for a
base environment, whose packages we chose: its modules are imported once.
"""

import argparse
import json
import os
import py_compile
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

STEPS = ("create", "resolve", "install", "compile", "check")
HERE = Path(__file__).resolve().parent
PIECE = 100
MAX_SAID = 4000

# What uv says, in the order in which it is looked for.
CODES = (
    ("disk_full", r"No space left on device|os error 28|os error 122|Disk quota exceeded|os error 27"),
    ("index_refuses", r"status client error \(4\d\d"),
    (
        "index_unreachable",
        r"Failed to fetch|Request failed after|error sending request|client error \(Connect\)|dns error|operation timed out",
    ),
    ("package_unknown", r"not found in the package registry|not found in the provided package locations|not found in the cache"),
    ("package_without_wheel", r"no usable wheels|no wheels with a matching|building from source is disabled"),
    ("requirements_unreadable", r"Couldn't parse requirement"),
    ("requirements_conflict", r"No solution found"),
)
# A base that pins another version can be the reason.
PERHAPS_THE_BASE = ("requirements_conflict", "package_without_wheel")


class Failed(Exception):
    """The environment cannot be built; `code` says why, `said` is what uv said."""

    def __init__(self, code: str, said: str) -> None:
        super().__init__(code)
        self.code, self.said = code, said


class Build:
    """One build in `folder`; `base` is the folder of the environment to layer over, None for a base itself."""

    def __init__(self, uv: str, folder: Path, base: Path | None, imports: str, workers: int) -> None:
        self.uv, self.folder, self.base, self.imports, self.workers = uv, folder, base, imports, workers
        self.work = folder / ".build"
        self.python = folder / "bin" / "python"
        self.steps = STEPS if imports else STEPS[:-1]

    def run(self) -> list[str]:
        """Build and return the packages that can be imported, as `name==version`."""
        for number, name in enumerate(self.steps, 1):
            _say(f"step {number} of {len(self.steps)}: {name}")
            getattr(self, name)()
        for name in ("cache", "tmp"):
            shutil.rmtree(self.work / name)
        return self.packages

    def create(self) -> None:
        """Make an empty environment; whatever an attempt that was cut off left is removed."""
        for entry in self.folder.iterdir():
            if entry != self.work:
                shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
        for name in ("cache", "tmp"):
            shutil.rmtree(self.work / name, ignore_errors=True)
            (self.work / name).mkdir()
        self._uv("venv", "--allow-existing", "--python", os.path.realpath(sys.executable), str(self.folder))
        self.site = next((self.folder / "lib").glob("python*/site-packages"))

    def resolve(self) -> None:
        """Choose versions: those of the base wherever they satisfy; others only for what contradicts them."""
        self.lock = self.work / "lock.txt"
        had: dict[str, str] = {}
        if self.base is None:
            self._compile_lock("requirements.txt")
        else:
            freeze = self.base / "freeze.txt"
            had = _pins(freeze)
            try:
                self._compile_lock("requirements.txt", "--constraint", str(freeze))
            except Failed as failed:
                if failed.code not in PERHAPS_THE_BASE:
                    raise
                _say("  The base has other versions than these requirements; looking for versions that go together.")
                # uv prefers the versions of a lock file that stands there already.
                shutil.copyfile(freeze, self.lock)
                self._compile_lock("requirements.txt", "offers.txt")
        chosen = _pins(self.lock)
        self.missing = [pin for name, pin in chosen.items() if had.get(name) != pin]
        everything = had | chosen
        self.packages = [everything[name] for name in sorted(everything)]

    def install(self) -> None:
        """Fetch and unpack what the base lacks."""
        if self.missing:
            (self.work / "missing.txt").write_text("\n".join(self.missing) + "\n")
            # Said on the command line: uv's variable for it counts for fewer commands.
            self._uv("pip", "install", "--no-build", "--no-deps", "--python", str(self.python), "--requirements", "missing.txt")

    def compile(self) -> None:
        """Leave byte code beside every module, since a read-only environment cannot get it later, and join the base."""
        if self.base is None:
            for name in ("gallery_torchvision.py", "gallery_torchvision.pth"):
                shutil.copyfile(HERE / name, self.site / name)
        files = [str(path) for path in self.site.rglob("*.py") if "tests" not in path.parts]
        pieces = [files[start : start + PIECE] for start in range(0, len(files), PIECE)]
        with ProcessPoolExecutor(self.workers) as pool:
            for number, _done in enumerate(pool.map(_compile, pieces), 1):
                if number % 10 == 0:
                    _say(f"  {number * PIECE} of {len(files)} modules")
        if self.base is not None:
            below = next((self.base / "lib").glob("python*/site-packages"))
            (self.site / "zz_base.pth").write_text(f"import site; site.addsitedir({str(below)!r})\n")
        (self.folder / "freeze.txt").write_text("\n".join(self.packages) + "\n")

    def check(self) -> None:
        """Import what a base promises."""
        tried = subprocess.run([self.python, "-I", "-c", f"import {self.imports}"], cwd="/", capture_output=True, text=True, check=False)
        if tried.returncode != 0:
            raise Failed("base_broken", tried.stderr[-MAX_SAID:])

    def _compile_lock(self, *arguments: str) -> None:
        plain = ("--no-build", "--no-header", "--no-annotate", "--quiet", "--python", str(self.python), "--output-file", "lock.txt")
        self._uv("pip", "compile", *plain, *arguments)

    def _uv(self, *arguments: str) -> None:
        none = ("--no-index",) if arguments[0] == "pip" and os.environ.get("NO_INDEX") else ()
        said = []
        with subprocess.Popen(
            [self.uv, *arguments, *none], cwd=self.work, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                text = _without_passwords(line.decode(errors="replace").rstrip())
                said.append(text)
                _say(f"  {text}")
        if process.returncode != 0:
            raise failure("\n".join(said))


def failure(said: str) -> Failed:
    """Return what an error message of uv means."""
    code = next((code for code, pattern in CODES if re.search(pattern, said)), "build_failed")
    reason = re.sub(r"^.*?error: (?:No solution found[^\n]*\n\s*cause: )?", "", said, count=1, flags=re.DOTALL)
    return Failed(code, reason.strip()[:MAX_SAID])


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _without_passwords(text: str) -> str:
    return re.sub(r"//[^/@\s]+@", "//", text)


def _pins(file: Path) -> dict[str, str]:
    lines = (line.strip() for line in file.read_text().splitlines())
    return {line.partition("==")[0]: line for line in lines if line}


def _compile(files: list[str]) -> None:
    warnings.simplefilter("ignore")
    for file in files:
        try:
            # Checked against nothing: neither file ever changes.
            py_compile.compile(file, doraise=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
        except (py_compile.PyCompileError, ValueError, RecursionError, UnicodeError):
            # Templates and files for other versions of Python; whoever imports one hears of it.
            continue


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--uv", required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--base", type=Path)
    parser.add_argument("--imports", default="")
    parser.add_argument("--workers", type=int, default=1)
    return parser.parse_args()


def _outcome(build: Build) -> Iterator[tuple[str, object]]:
    try:
        packages = build.run()
    except Failed as failed:
        yield from {"code": failed.code, "detail": failed.said}.items()
    except OSError as error:
        code = failure(f"os error {error.errno}").code
        yield from {"code": code, "detail": str(error)}.items()
    else:
        yield from {"code": "", "packages": packages}.items()


def main() -> None:
    """Build as the arguments say."""
    arguments = _arguments()
    outcome = dict(_outcome(Build(**vars(arguments))))
    _say("outcome: " + json.dumps(outcome))
    sys.exit(1 if outcome["code"] else 0)


if __name__ == "__main__":
    main()
