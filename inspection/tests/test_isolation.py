import os
import select
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
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


def nursery():
    return isolation._nurseries[HERE].process


def test_every_call_has_a_process_of_its_own_out_of_one_nursery(tmp_path):
    (tmp_path / "x").write_text("given")
    first = isolation.run(f"{HERE}:process", {})
    kept = nursery().pid
    with (tmp_path / "x").open("rb") as stream:
        second = isolation.run(f"{HERE}:process", {}, inputs=[stream], limits=Limits(memory=300 << 20))
    assert second == {"number": second["number"], "parent": kept, "inputs": ["given"], "data": 300 << 20}
    assert len({first["number"], second["number"], kept, os.getpid()}) == 4
    assert (first["parent"], nursery().pid) == (kept, kept)


def test_what_one_call_leaves_behind_no_other_finds():
    assert isolation.run(f"{HERE}:leave_behind", {}) == isolation.run(f"{HERE}:leave_behind", {}) == 1


def test_calls_at_once_are_apart_and_end_alone():
    with ThreadPoolExecutor(8) as pool:
        hung = pool.submit(refused, f"{HERE}:sleep_on", {}, limits=Limits(wall=2))
        numbers = list(pool.map(lambda _each: isolation.run(f"{HERE}:process", {})["number"], range(40)))
    assert len(set(numbers)) == 40
    assert hung.result().code == "out_of_time"


def test_an_ended_nursery_is_followed_by_another():
    isolation.run(f"{HERE}:process", {})
    gone = nursery()
    gone.kill()
    assert isolation.run(f"{HERE}:process", {})["parent"] == nursery().pid != gone.pid


def test_a_nursery_that_dies_takes_its_calls_with_it():
    with ThreadPoolExecutor(1) as pool:
        number: list[int] = []
        call = pool.submit(refused, f"{HERE}:say_and_sleep_on", {}, take=lambda data, _facts: number.append(int(data)))
        while not number:
            time.sleep(0.01)
        nursery().kill()
        assert call.result().code == "crashed"
    with suppress(ProcessLookupError):
        assert select.select([os.pidfd_open(number[0])], [], [], 30)[0]


def test_of_too_many_nurseries_the_one_used_longest_ago_is_left(monkeypatch):
    monkeypatch.setattr(isolation, "MOST_NURSERIES", 1)
    isolation.run(f"{HERE}:process", {})
    left = nursery()
    assert refused("inspection.weights:read_each", {}).code == "crashed"
    assert left.wait(30) == 0
    assert list(isolation._nurseries) == ["inspection.weights"]


def test_a_target_that_is_not_there_is_a_crash():
    assert refused("inspection.tests.nothing:at_all", {}).code == "crashed"


def test_a_nursery_ends_with_the_process_that_started_it():
    code = (
        f"import sys; sys.path.insert(0, {str(isolation._ROOT)!r}); from inspection import isolation;"
        f"isolation.run('{HERE}:process', {{}}); print(isolation._nurseries['{HERE}'].process.pid)"
    )
    number = int(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
    with suppress(ProcessLookupError):
        assert select.select([os.pidfd_open(number)], [], [], 30)[0]


def test_a_fork_has_nurseries_of_its_own():
    isolation.run(f"{HERE}:process", {})
    reading, writing = os.pipe()
    if not (pid := os.fork()):
        with suppress(BaseException):
            os.write(writing, str(isolation.run(f"{HERE}:process", {})["parent"]).encode())
        os._exit(0)
    os.waitpid(pid, 0)
    assert int(os.read(reading, 100)) != nursery().pid
    assert isolation.run(f"{HERE}:process", {})["parent"] == nursery().pid


def test_many_inputs_are_handed_over_in_their_order(tmp_path):
    for number in range(450):
        (tmp_path / str(number)).write_text(str(number))
    with ExitStack() as opened:
        streams = [opened.enter_context((tmp_path / str(number)).open("rb")) for number in range(450)]
        assert isolation.run(f"{HERE}:process", {}, inputs=streams)["inputs"] == [str(number) for number in range(450)]
