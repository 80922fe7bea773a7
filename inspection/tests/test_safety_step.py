"""The step over commits: known contents are not read again, a file that kills the scan costs only itself, ClamAV may be away."""

import struct
import threading
from socket import create_server
from typing import Any

import pytest

from inspection import isolation
from inspection.files import Unreadable
from inspection.models import FileReport, Inspection
from inspection.services import inspect, inspect_again, keep_reports
from inspection.steps import safety
from inspection.tests.test_safety_kinds import EVIL
from jobs.models import Job
from jobs.services import run
from repos.models import Repository
from repos.tests.conftest import repository  # noqa: F401  (a fixture)

pytestmark = pytest.mark.django_db

AUTO_MAP = b'{"auto_map": {"AutoModel": "m.M"}}'


def scanned(repository: Repository, commit: str) -> dict[str, Any]:  # noqa: F811
    (row,) = [row for row in inspect(repository=repository, commit=commit, kind="model") if row.step == "safety"]
    row.job.due_at = row.job.created_at
    run(row.job_id)
    row = Inspection.objects.select_related("job").get(pk=row.pk)
    assert row.finished_at is not None, row.job.error
    return row.result


@pytest.fixture
def children(monkeypatch: Any) -> list[list[str]]:
    """Return the paths that each confined process was given."""
    started: list[list[str]] = []

    def watched(target: str, arguments: Any, *, files: Any = (), **more: Any) -> Any:
        started.append([file.path for file in files])
        return isolation.run(target, arguments, files=files, **more)

    monkeypatch.setattr(safety, "run", watched)
    return started


def test_commit_is_scanned_file_by_file(repository: Repository, put: Any) -> None:  # noqa: F811
    sha = put(model_dot_pkl=EVIL, config_dot_json=AUTO_MAP, x_dot_7z=b"7z\xbc\xaf\x27\x1c" + bytes(9), a_dot_txt=b"fine")
    assert scanned(repository, sha) == {
        "verdict": "dangerous",
        "counts": {"dangerous": 1, "caution": 1, "unscanned": 1, "safe": 3},
        "files": {"model.pkl": "dangerous", "config.json": "caution", "x.7z": "unscanned"},
    }
    report = FileReport.objects.get(step="safety", verdict="dangerous")
    assert (report.form, report.repository, report.report["findings"][0]["code"]) == ("pickle", None, "dangerous_global")


def test_known_contents_are_not_read_again(repository: Repository, put: Any, children: list[list[str]]) -> None:  # noqa: F811
    scanned(repository, put(a_dot_txt=b"one", config_dot_json=AUTO_MAP))
    sha = put(b_dot_txt=b"one", c_dot_txt=b"two", other_dot_bin=AUTO_MAP)
    assert scanned(repository, sha)["counts"]["caution"] == 1
    # The same bytes under a name of another form are another question.
    assert sorted(children[1]) == ["c.txt", "other.bin"]


def test_nothing_new_starts_no_process(repository: Repository, put: Any, children: list[list[str]]) -> None:  # noqa: F811
    scanned(repository, put(a_dot_txt=b"one"))
    scanned(repository, put(b_dot_txt=b"one"))
    assert len(children) == 1


def test_many_small_files_share_a_process(repository: Repository, put: Any, children: list[list[str]]) -> None:  # noqa: F811
    sha = put(**{f"f{number}_dot_txt": b"%d" % number for number in range(620)})
    assert scanned(repository, sha)["counts"]["safe"] == 622
    assert [len(paths) for paths in children] == [500, 122]


def test_file_that_kills_the_scan_costs_only_itself(repository: Repository, put: Any, monkeypatch: Any) -> None:  # noqa: F811
    def deadly(target: str, arguments: Any, *, files: Any = (), **more: Any) -> Any:
        return isolation.run("inspection.tests.specimens_safety:scan_until_poison", arguments, files=files, **more)

    monkeypatch.setattr(safety, "run", deadly)
    sha = put(a_dot_txt=b"one", m_dot_txt=b"POISON", z_dot_pkl=EVIL)
    assert scanned(repository, sha)["files"] == {"z.pkl": "dangerous", "m.txt": "unscanned"}
    (finding,) = FileReport.objects.get(verdict="unscanned").report["findings"]
    assert finding["code"] == "crashed"


def test_process_that_says_nonsense_is_not_believed(repository: Repository, put: Any, monkeypatch: Any) -> None:  # noqa: F811
    for said in (b"[]", b'{"verdict": "safe"}', b'{"verdict": "safe", "findings": [{"code": 1}]}', b"\xff"):
        with pytest.raises(Unreadable, match="crashed"):
            safety._believed(said)
    assert safety._believed(b'{"verdict": "dangerous", "findings": []}').verdict == "safe"


def test_beginning_again_reads_again_what_was_not_scanned(repository: Repository, put: Any, children: list[list[str]], alice: Any) -> None:  # noqa: F811
    sha = put(a_dot_txt=b"one", x_dot_7z=b"7z\xbc\xaf\x27\x1c" + bytes(9))
    scanned(repository, sha)
    row = Inspection.objects.get(step="safety")
    row.repository.allowed = frozenset({"view", "upload"})
    inspect_again(inspection=row, actor=alice)
    run(Inspection.objects.get(pk=row.pk).job_id)
    assert children[1] == ["x.7z"]


class Daemon:
    """A ClamAV that finds whatever holds the word EICAR, for as many files as it lives."""

    def __init__(self) -> None:
        self.listener = create_server(("127.0.0.1", 0))
        self.seen: list[bytes] = []
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    @property
    def address(self) -> str:
        return f"tcp://127.0.0.1:{self.listener.getsockname()[1]}"

    def serve(self) -> None:
        while True:
            try:
                channel, _address = self.listener.accept()
            except OSError:
                return
            with channel, channel.makefile("rb") as stream:
                if stream.read(10) != b"zINSTREAM\0":
                    continue
                data = b""
                while length := struct.unpack(">I", stream.read(4))[0]:
                    data += stream.read(length)
                self.seen.append(data)
                channel.sendall(b"stream: Eicar FOUND\0" if b"EICAR" in data else b"stream: OK\0")

    def close(self) -> None:
        # Closing alone does not wake a thread that waits in accept.
        self.listener.shutdown(2)
        self.listener.close()
        self.thread.join()


@pytest.fixture
def daemon() -> Any:
    found = Daemon()
    yield found
    if found.thread.is_alive():
        found.close()


def test_virus_is_a_danger_and_contents_are_sent_once(repository: Repository, put: Any, daemon: Daemon, settings: Any) -> None:  # noqa: F811
    settings.CLAMAV_URL, settings.CLAMAV_LIMIT = daemon.address, 1000
    sha = put(a_dot_txt=b"EICAR", b_dot_txt=b"EICAR", c_dot_txt=b"x" * 1001)
    found = scanned(repository, sha)
    assert (found["verdict"], found["files"]) == ("dangerous", {"a.txt": "dangerous", "b.txt": "dangerous"})
    assert daemon.seen.count(b"EICAR") == 1 and b"x" * 1001 not in daemon.seen
    (finding,) = FileReport.objects.get(form="virus", verdict="dangerous").report["findings"]
    assert (finding["code"], finding["facts"]) == ("virus", {"name": "Eicar"})
    scanned(repository, put(d_dot_txt=b"EICAR"))
    assert daemon.seen.count(b"EICAR") == 1


def test_daemon_that_is_away_leaves_files_unscanned_until_it_is_back(
    repository: Repository,  # noqa: F811
    put: Any,
    daemon: Daemon,
    settings: Any,
) -> None:
    settings.CLAMAV_URL = daemon.address
    daemon.close()
    sha = put(a_dot_txt=b"fine", m_dot_pkl=EVIL, empty=b"")
    found = scanned(repository, sha)
    assert found["files"]["m.pkl"] == "dangerous"
    assert (found["files"]["a.txt"], "empty" in found["files"]) == ("unscanned", False)
    codes = {row.report["findings"][0]["code"] for row in FileReport.objects.filter(form="virus")}
    job = Job.objects.get(pk=Inspection.objects.get(step="safety").job_id)
    assert (codes, job.state) == ({"clamav_unavailable"}, "queued")
    again = Daemon()
    settings.CLAMAV_URL = again.address
    Job.objects.filter(pk=job.pk).update(due_at=job.created_at)
    run(job.pk)
    again.close()
    assert Inspection.objects.get(step="safety").result["files"] == {"m.pkl": "dangerous"}
    assert sorted(again.seen) == sorted({b"fine", EVIL, *again.seen})


def test_reports_of_two_workers_do_not_collide(repository: Repository, put: Any, settings: Any) -> None:  # noqa: F811
    sha256 = "a" * 64
    for verdict in ("caution", "safe"):
        keep_reports(
            step="safety", repository=repository, found={(sha256, "text"): (verdict, {"findings": []}), ("b" * 40, "text"): ("safe", {})}
        )
    rows = FileReport.objects.order_by("content")
    assert [(row.content[0], row.verdict, row.repository) for row in rows] == [("a", "safe", None), ("b", "safe", repository)]


def test_passing_failures_are_not_believed_the_next_time(repository: Repository, put: Any, children: list[list[str]]) -> None:  # noqa: F811
    scanned(repository, put(a_dot_txt=b"one"))
    crashed = {"verdict": "unscanned", "findings": [{"code": "crashed", "severity": "unread", "where": "", "facts": {}}]}
    FileReport.objects.filter(form="text").update(verdict="unscanned", report=crashed)
    assert scanned(repository, put(b_dot_txt=b"two"))["counts"]["unscanned"] == 0
