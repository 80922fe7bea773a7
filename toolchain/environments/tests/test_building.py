"""Environments built by real runs from packages of a few bytes."""

import os
import stat
import tempfile
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from toolchain.environments import building, following, ready
from toolchain.environments.bases import BASES, Base
from toolchain.environments.building import BaseMissing, Progress, Result
from toolchain.environments.identity import identify
from toolchain.environments.index import Index
from toolchain.environments.requirements import parse
from toolchain.environments.tests.wheels import source, wheel
from toolchain.runners.base import Exit, Limits, Reason, RunSpec, State
from toolchain.runners.local import LocalRunner

TAINT = "open({path!r}, 'w').write('ran')"


class Yard:
    """A folder of packages, a base "tiny" made of two of them, and a runner that builds."""

    def __init__(self, folder: Path) -> None:
        self.root, self.wheels, self.runs = folder / "environments", folder / "wheels", folder / "runs"
        self.root.mkdir()
        self.wheels.mkdir()
        self.index = Index(url="", find_links=(str(self.wheels),))
        self.said: list[Progress] = []
        wheel(self.wheels, "alpha", "1.0", files={"alpha/tests/deep.py": "", "alpha/broken.py": "def f(:\n", "alpha/more.py": "x = 1\n"})
        wheel(self.wheels, "alpha", "2.0")
        wheel(self.wheels, "beta", "1.0", requires=["alpha<2"])
        wheel(self.wheels, "beta", "2.0", requires=["alpha"])
        wheel(self.wheels, "gamma", "1.0", requires=["beta"])
        wheel(self.wheels, "narrow", "1.0", requires=["alpha>=3"])

    def build(self, text: str = "", index: Index | None = None, limits: Limits = building.LIMITS) -> Result:
        index = index or self.index
        runner = LocalRunner(self.runs, index=index.indexes())
        return following.build(runner, self.root, "tiny", parse(text), index, tell=self.said.append, limits=limits)

    def folder(self, text: str = "") -> Path:
        return self.root / identify("tiny", parse(text))

    def python(self, text: str, code: str) -> str:
        """Return what Python writes in the environment that is made of `text`, in a run that sees no more than `mounts_of` says."""
        id, runner = self.folder(text).name, LocalRunner(self.runs)
        runner.forget("look")
        runner.start(RunSpec((ready.python_of(self.root, id), "-c", code), mounts=ready.mounts_of(self.root, id)), "look")
        while runner.look("look").state in (State.STARTING, State.RUNNING):
            time.sleep(0.02)
        return runner.read("look", "log", 0, 10000).decode().strip()


@pytest.fixture(scope="module", autouse=True)
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    file = tmp_path_factory.mktemp("tiny") / "requirements.txt"
    file.write_text("alpha==1.0\nbeta==1.0\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(BASES, "tiny", Base("tiny", file, ("alpha", "beta"), ("alpha", "beta")))  # type: ignore[arg-type]
        yield


# Sockets lie below a yard, whose paths end at 107 bytes: pytest's own folders are too deep.
@pytest.fixture
def yard() -> Iterator[Yard]:
    with tempfile.TemporaryDirectory(prefix="yard-", ignore_cleanup_errors=True) as folder:
        yield Yard(Path(folder))


@pytest.fixture(scope="module")
def shared(tiny: None) -> Iterator[Yard]:
    with tempfile.TemporaryDirectory(prefix="yard-", ignore_cleanup_errors=True) as folder:
        made = Yard(Path(folder))
        assert made.build().ok
        yield made


@pytest.fixture
def based(shared: Yard) -> Iterator[Yard]:
    """A yard whose base is ready; the layers that a test builds are gone after it."""
    yield shared
    for made in ready.everything(shared.root):
        if made.below:
            ready.remove(shared.root, made.id)


def entries(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    for path, folders, files in os.walk(folder):
        for name in (*folders, *files):
            yield os.path.join(path, name), os.lstat(os.path.join(path, name))


def test_base_is_built_and_its_steps_are_told(yard: Yard) -> None:
    result = yard.build()
    assert (result.ok, result.packages) == (True, ("alpha==1.0", "beta==1.0"))
    names = ("create", "resolve", "install", "compile", "check")
    assert {(each.step, each.of, each.name) for each in yard.said} <= {(number, 5, name) for number, name in enumerate(names, 1)}
    assert (yard.said[-1].step, yard.said[-1].name) == (5, "check")
    assert yard.python("", "import alpha, beta; print(alpha.VERSION, beta.VERSION)") == "1.0 1.0"
    assert yard.build() == result


def test_base_whose_packages_do_not_import_is_not_built(yard: Yard) -> None:
    wheel(yard.wheels, "beta", "1.0", files={"beta/__init__.py": "import nothing_such\n"})
    result = yard.build()
    assert (result.ok, result.code) == (False, "base_broken")
    assert "No module named 'nothing_such'" in str(result.detail["said"])


def test_sealed_environment_is_readable_and_not_writable(based: Yard) -> None:
    modes = {stat.S_IMODE(status.st_mode) for _path, status in entries(based.folder()) if not stat.S_ISLNK(status.st_mode)}
    assert modes == {0o444, 0o555}
    assert stat.S_IMODE(based.folder().stat().st_mode) == 0o555
    assert {status.st_uid for _path, status in entries(based.folder())} == {os.getuid()}
    assert not (based.folder() / ".build").exists()


def test_modules_are_compiled_except_for_tests_and_broken_ones(based: Yard) -> None:
    compiled = [path.name.split(".")[0] for path in next(based.folder().rglob("alpha")).rglob("*.pyc")]
    assert sorted(compiled) == ["__init__", "more"]


def test_layer_holds_only_what_the_base_lacks(based: Yard) -> None:
    result = based.build("gamma\nalpha<3")
    assert result.packages == ("alpha==1.0", "beta==1.0", "gamma==1.0")
    site = next(based.folder("gamma\nalpha<3").glob("lib/python*/site-packages"))
    assert sorted(path.name for path in site.glob("*.dist-info")) == ["gamma-1.0.dist-info"]
    shown = "import alpha, beta, gamma; print(alpha.VERSION, beta.VERSION, gamma.VERSION)"
    assert based.python("gamma\nalpha<3", shown) == "1.0 1.0 1.0"


def test_versions_that_contradict_the_base_replace_its_own(based: Yard) -> None:
    result = based.build("alpha==2.0")
    assert result.packages == ("alpha==2.0", "beta==2.0")
    assert based.python("alpha==2.0", "import alpha, beta; print(alpha.VERSION, beta.VERSION)") == "2.0 2.0"
    assert based.python("", "import alpha, beta; print(alpha.VERSION, beta.VERSION)") == "1.0 1.0"


def test_base_that_satisfies_everything_needs_no_build(based: Yard) -> None:
    for text, covered in (
        ("alpha", True),
        ("Alpha>=1,<2\nbeta", True),
        ("alpha; python_version<'3'\nnothing; python_version<'3'", True),
        ("alpha==2.0", False),
        ("gamma", False),
        ("beta[more]", False),
    ):
        assert ready.covered(based.root, "tiny", parse(text)) is covered, text


def test_nothing_is_layered_over_a_base_that_is_missing(yard: Yard) -> None:
    with pytest.raises(BaseMissing) as caught:
        yard.build("gamma")
    assert caught.value.id == identify("tiny")


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("nobody-has-this", "package_unknown", "nobody-has-this was not found"),
        ("alpha==9.0", "requirements_conflict", "there is no version of alpha==9.0"),
        ("alpha==2.0\nbeta==1.0", "requirements_conflict", "beta<=1.0 depends on alpha<2 and you require alpha==2.0"),
        ("narrow", "requirements_conflict", "all versions of narrow depend on alpha>=3"),
        ("raw", "package_without_wheel", "raw==1.0 has no usable wheels"),
    ],
)
def test_failures_have_a_code_and_what_uv_said(based: Yard, text: str, code: str, said: str) -> None:
    taint = based.wheels / "taint"
    source(based.wheels, "raw", "1.0", TAINT.format(path=str(taint)))
    result = based.build(text)
    assert (result.ok, result.code) == (False, code)
    assert said in " ".join(str(result.detail["said"]).split())
    assert not taint.exists()
    assert {path.name for path in based.root.iterdir()} == {based.folder().name, f"{based.folder().name}.json", ".lock"}


def test_index_on_another_machine_is_reached(based: Yard, tmp_path: Path) -> None:
    (tmp_path / "simple" / "delta").mkdir(parents=True)
    wheel(tmp_path / "simple" / "delta", "delta", "1.0")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        result = based.build(
            "delta", Index(url=f"http://ann:hunter2@127.0.0.1:{server.server_port}/simple", find_links=based.index.find_links)
        )
    finally:
        server.shutdown()
        server.server_close()
    assert result.packages == ("alpha==1.0", "beta==1.0", "delta==1.0")


def test_index_that_does_not_answer(based: Yard) -> None:
    result = based.build("gamma", Index(url="http://ann:hunter2@127.0.0.1:9/simple", timeout=1, retries=0))
    assert (result.ok, result.code) == (False, "index_unreachable")
    assert "127.0.0.1:9/simple/" in str(result.detail["said"])
    assert "hunter2" not in str(result.detail["said"])


def test_environment_that_is_too_large(based: Yard) -> None:
    wheel(based.wheels, "big", "1.0", files={"big/data.txt": "x" * (8 << 20)})
    result = based.build("big", limits=Limits(disk=4 << 20, wall=60))
    assert (result.ok, result.code) == (False, "disk_full")
    assert not (based.folder("big")).exists()


def test_nothing_that_is_installed_runs_during_the_build(based: Yard) -> None:
    folder = based.folder("sly")
    taint = TAINT.format(path=str(folder / "taint"))
    wheel(based.wheels, "sly", "1.0", files={"sly.pth": f"import sys; {taint}\n", "sitecustomize.py": taint, "usercustomize.py": taint})
    assert based.build("sly").ok
    assert not (folder / "taint").exists()


def test_wheel_that_leads_out_of_its_folder(based: Yard) -> None:
    up = "../" * 5
    wheel(based.wheels, "astray", "1.0", files={f"{up}astray.txt": "x", f"{up}{based.folder().name}/astray.txt": "x"})
    based.build("astray")
    assert [path for path in based.root.parent.rglob("astray.txt") if not path.is_relative_to(based.folder("astray"))] == []


def test_result_may_be_asked_for_again(based: Yard) -> None:
    first = based.build("gamma")
    again = building.inspect_result(based.root, "tiny", ("gamma",), Exit(1), b"")
    assert again == first
    failed = [
        building.inspect_result(based.root, "tiny", ("nothing",), Exit(1), b'outcome: {"code": "package_unknown"}\n') for _ in range(2)
    ]
    assert [each.code for each in failed] == ["package_unknown", "package_unknown"]


def test_attempt_that_was_cut_off_leaves_nothing(based: Yard) -> None:
    folder = based.folder("gamma")
    (folder / "lib" / "python3" / "site-packages").mkdir(parents=True)
    (folder / "lib" / "left.txt").write_text("x")
    (folder / "bin").symlink_to("/usr/bin")
    assert not ready.is_ready(based.root, folder.name)
    assert based.build("gamma").ok
    assert not (folder / "lib" / "left.txt").exists()
    assert based.python("gamma", "import gamma; print(gamma.VERSION)") == "1.0"


def test_removed_base_takes_what_is_layered_over_it_along(yard: Yard) -> None:
    assert yard.build().ok
    assert yard.build("gamma").ok
    below, layer = yard.folder().name, yard.folder("gamma").name
    assert [made.id for made in ready.everything(yard.root)] == [below, layer]
    ready.remove(yard.root, below)
    assert (ready.is_ready(yard.root, below), ready.is_ready(yard.root, layer)) == (False, False)
    ready.remove(yard.root, layer)
    ready.remove(yard.root, layer)
    assert [path.name for path in yard.root.iterdir()] == [".lock"]


def test_equal_files_of_bases_are_stored_once(yard: Yard, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    wheel(yard.wheels, "heavy", "1.0", files={"heavy/data.bin": "y" * (1 << 20)})
    sizes = []
    for code in ("one", "two"):
        (tmp_path / f"{code}.txt").write_text("heavy==1.0\n")
        monkeypatch.setitem(BASES, code, Base(code, tmp_path / f"{code}.txt", ("heavy",), ("heavy",)))  # type: ignore[arg-type]
        sizes.append(following.build(LocalRunner(yard.runs), yard.root, code, (), yard.index).size)
    assert sizes[0] - sizes[1] == 1 << 20
    first, second = (next((yard.root / identify(code)).rglob("data.bin")) for code in ("one", "two"))
    assert first.samefile(second)


@pytest.mark.parametrize(
    ("exit", "code"),
    [
        (Exit(137, 9, Reason.DISK), "disk_full"),
        (Exit(143, 15, Reason.TIME), "build_too_slow"),
        (Exit(137, 9, Reason.MEMORY), "build_too_large"),
        (Exit(143, 15, Reason.STOPPED), "build_stopped"),
        (Exit(1, 0, Reason.REFUSED, "bwrap: no"), "build_refused"),
        (Exit(139, 11), "build_failed"),
        (Exit(0), "build_failed"),
    ],
)
def test_ends_of_a_build(tmp_path: Path, exit: Exit, code: str) -> None:
    result = building.inspect_result(tmp_path, "current", (), exit, b"step 1 of 5: create\n  words\n")
    assert (result.ok, result.code) == (False, code)
    assert result.detail["said"] == (exit.detail if exit.reason else "step 1 of 5: create\n  words")


def test_progress_is_read_from_the_log() -> None:
    assert building.progress(b"") is None
    assert building.progress(b"step 1 of 5: create\n") == Progress(1, 5, "create")
    log = b"step 1 of 5: create\n  Using it\nstep 3 of 5: install\n  Downloading torch (180.1MiB)\n  Downlo"
    assert building.progress(log) == Progress(3, 5, "install", "Downloading torch (180.1MiB)")
