import os
import select
import subprocess
import sys
from contextlib import ExitStack, suppress

import pytest

from inspection import isolation
from inspection.files import File, Unreadable, in_memory
from inspection.isolation import Interrupted, Limits

HERE = "inspection.tests.specimens"


def refused(*given, **more):
    with pytest.raises(Unreadable) as caught:
        isolation.run(*given, **more)
    return caught.value


def test_result_and_arguments_travel_as_json():
    assert isolation.run(f"{HERE}:lie", {}) == {"deep": [1, 2, {"a": None}]}


def test_what_the_database_cannot_hold_is_replaced():
    assert isolation.run(f"{HERE}:unfit", {}) == {"nul\ufffd": "half \ufffd", "whole": "\U0001f600", "numbers": [None, None, 1.5]}


def test_files_are_read_by_range_through_the_caller():
    asked = []

    def read(start, end):
        asked.append((start, end))
        return b"0123456789"[start:end]

    files = [File("a", 10, read), in_memory("b", b"abc")]
    assert isolation.run(f"{HERE}:heads", {"length": 4}, files=files) == ["30313233", "616263"]
    assert asked == [(0, 4)]


def test_large_file_streams_through():
    size = 20_000_000
    assert isolation.run(f"{HERE}:whole", {}, files=[File("big", size, lambda start, end: bytes(end - start))]) == size


def test_open_file_can_be_handed_over(tmp_path):
    (tmp_path / "x").write_text("given")
    with (tmp_path / "x").open("rb") as stream:
        assert isolation.run(f"{HERE}:read_input", {}, inputs=[stream]) == "given"


def test_child_has_no_secrets_and_opens_nothing(monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "x")
    found = isolation.run(f"{HERE}:rights", {})
    assert found["file"] == found["socket"] == found["write"] == "Too many open files"
    assert found["user"] == ("65534" if os.geteuid() == 0 else str(os.geteuid()))
    assert "SECRET_KEY" not in found["environment"]
    assert "PATH" not in found["environment"].split(",")


def test_refusal_of_the_parser_reaches_the_caller():
    error = refused(f"{HERE}:refuse", {"code": "bad_thing"})
    assert (error.code, error.facts) == ("bad_thing", {"line": 3})


@pytest.mark.parametrize(
    ("function", "limits", "code"),
    [
        ("hoard", Limits(memory=64 << 20), "out_of_memory"),
        ("spin", Limits(cpu=1), "out_of_time"),
        ("sleep_on", Limits(wall=0.5), "out_of_time"),
        ("die", Limits(), "crashed"),
    ],
)
def test_bounds_have_codes(function, limits, code):
    assert refused(f"{HERE}:{function}", {}, limits=limits).code == code


def test_pieces_arrive_in_order_with_progress():
    taken, seen = [], []
    result = isolation.run(
        f"{HERE}:pieces",
        {"count": 3},
        take=lambda data, facts: taken.append((data, facts["number"])),
        beat=lambda done, of: seen.append((done, of)) or True,
    )
    assert (result, taken) == (3, [(b"\0" * 10, 0), (b"\1" * 10, 1), (b"\2" * 10, 2)])
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_lost_work_is_interrupted():
    with pytest.raises(Interrupted):
        isolation.run(f"{HERE}:pieces", {"count": 3}, beat=lambda done, of: False)


def test_failure_of_the_store_passes_through():
    def read(start, end):
        raise ConnectionError("store is down")

    with pytest.raises(ConnectionError, match="store is down"):
        isolation.run(f"{HERE}:heads", {"length": 4}, files=[File("a", 10, read)])


def waiting():
    return isolation._spares[os.getpid(), HERE].process


def test_spare_process_serves_one_call_and_is_replaced(tmp_path):
    (tmp_path / "x").write_text("given")
    assert (os.getpid(), HERE) not in isolation._spares
    first = isolation.run(f"{HERE}:process", {}, warm=HERE)
    spare = waiting()
    with (tmp_path / "x").open("rb") as stream:
        second = isolation.run(f"{HERE}:process", {}, inputs=[stream], limits=Limits(memory=300 << 20), warm=HERE)
    assert second == {"number": spare.pid, "inputs": ["given"], "data": 300 << 20}
    assert len({first["number"], spare.pid, waiting().pid}) == 3
    assert spare.poll() is not None


def test_spare_process_that_is_gone_or_old_is_not_used():
    isolation.run(f"{HERE}:process", {}, warm=HERE)
    gone = waiting()
    gone.kill()
    gone.wait()
    assert isolation.run(f"{HERE}:process", {}, warm=HERE)["number"] != gone.pid
    old = waiting()
    isolation._spares[os.getpid(), HERE].started -= 100
    assert isolation.run(f"{HERE}:process", {}, warm=HERE)["number"] != old.pid
    assert old.poll() is not None


def test_spare_process_ends_with_the_one_that_started_it():
    code = (
        f"import sys; sys.path.insert(0, {str(isolation._ROOT)!r}); from inspection import isolation;"
        f"isolation.run('{HERE}:process', {{}}, warm='{HERE}'); print(isolation._spares.popitem()[1].process.pid)"
    )
    number = int(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
    with suppress(ProcessLookupError):
        assert select.select([os.pidfd_open(number)], [], [], 30)[0]


def test_many_inputs_are_handed_over_in_their_order(tmp_path):
    for number in range(450):
        (tmp_path / str(number)).write_text(str(number))
    with ExitStack() as opened:
        streams = [opened.enter_context((tmp_path / str(number)).open("rb")) for number in range(450)]
        assert isolation.run(f"{HERE}:process", {}, inputs=streams)["inputs"] == [str(number) for number in range(450)]
