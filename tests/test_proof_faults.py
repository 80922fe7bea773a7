"""kill -9 of every part of a whole gallery, of supervisors and of programs, while something stands in every stage: what is shown becomes true,
nothing runs twice, and nothing is left.

The tests follow one gallery, in their order. Machines of a Ray cluster are killed in `toolchain/tests/test_ray_training.py` and in
`toolchain/runners/tests`.
"""

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from tests.proving import destroy, furnished, started, wait
from tests.stages import CAPACITY, MINUTE, PARTS, SERVICES, SHOWN, Stages, held_index, shown_within_a_minute
from toolchain.tests.environments import Bases, bases

__all__ = ["bases"]
pytestmark = pytest.mark.process

SUPERVISED = ("building", "running", "stopping", "answers", "rolls", "starts")
"""Stages in which a program runs, watched over by a supervisor."""
STILL = ("preparing", "building", "running", "collecting", *SERVICES)
"""Stages in which everything goes on standing whatever is killed."""


@pytest.fixture(scope="module")
def stages(bases: Bases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stages]:
    data = tmp_path_factory.mktemp("g") / "data"
    furnished(bases, data, "current")
    with held_index(tmp_path_factory.mktemp("index")) as (address, go):
        settings = {"RUN_CPUS": str(CAPACITY), "RUN_MEMORY": f"{CAPACITY}GiB", "PACKAGE_INDEX_URL": address}
        up = started(data, **settings)
        found = None
        try:
            up.until_ready()
            found = Stages(data, up, go, settings)
            found.set_up()
            yield found
        finally:
            destroy(found.up if found else up)


def shown_truly(stages: Stages, before: dict[int, Any], *, still: tuple[str, ...] = STILL) -> bool:
    """Say whether the job that was stopped is shown as stopped, the one that waited as running, all the rest where it stands; and is looked after."""
    return (
        stages.shown("stopping") == ("stopped", "run")
        and stages.shown("queued") == ("running", "run")
        and all(stages.shown(stage) == SHOWN[stage] for stage in still)
        and "begin" in stages.log("queued")
        and stages.answers()
        and stages.looked_after(before)
    )


def begun_once(stages: Stages, *but: str) -> bool:
    """Say whether every job has one run, whose script began at most once."""
    return all(len(stages.attempts(stage)) == 1 and stages.log(stage).count("begin") <= 1 for stage in stages.jobs if stage not in but)


@pytest.mark.parametrize("part", PARTS)
def test_what_stands_in_any_stage_outlives_a_part_of_the_gallery(stages: Stages, part: str) -> None:
    stages.stand()
    watched = [stage for stage in SUPERVISED if stage != "stopping"]
    supervisors = [stages.supervisor(stage) for stage in watched]
    lines, asked, before = stages.lines(), stages.folder("stopping"), stages.turns()

    os.kill(stages.up.child(PARTS[part]), signal.SIGKILL)
    (asked / "scratch" / "go").touch()
    shown_within_a_minute(stages, lambda: shown_truly(stages, before))

    assert stages.lines() > lines
    assert [stages.supervisor(stage) for stage in watched] == supervisors
    assert begun_once(stages)
    stages.next()


def test_what_loses_its_supervisor_is_shown_as_lost_and_tried_once_more(stages: Stages) -> None:
    stages.stand()
    keys = {stage: stages.key(stage) for stage in SUPERVISED}
    before = stages.turns()

    for pid in [stages.supervisor(stage) for stage in SUPERVISED]:
        os.kill(pid, signal.SIGKILL)

    def again() -> bool:
        new = [stage for stage in SUPERVISED if stages.key(stage) not in ("", keys[stage])]
        begun = new == [stage for stage in SUPERVISED if stage != "stopping"] and "begin" in stages.log("running")
        return begun and shown_truly(stages, before)

    shown_within_a_minute(stages, again)
    assert stages.gone(*keys.values())
    assert stages.attempts("running") == [(1, "ended", "lost"), (2, "running", "")]
    assert stages.attempts("stopping") == [(1, "ended", "stopped")]
    assert begun_once(stages, "running")
    assert stages.log("running").count("begin") == 1
    stages.next()


def test_what_loses_its_program_is_shown_as_failed_or_answers_again(stages: Stages) -> None:
    stages.stand()
    keys = {stage: stages.key(stage) for stage in SUPERVISED}
    before = stages.turns()

    for stage in SUPERVISED:
        for pid in stages.program(stage):
            os.kill(pid, signal.SIGKILL)

    def told() -> bool:
        ended = stages.shown("running") == ("failed", "run") and stages.shown("building") == ("failed", "environment")
        return (
            ended
            and stages.key("answers") not in ("", keys["answers"])
            and shown_truly(stages, before, still=("preparing", "collecting", *SERVICES))
        )

    shown_within_a_minute(stages, told)
    assert stages.gone(*keys.values())
    assert {stage: stages.paula.training(stages.jobs[stage])["error"] for stage in ("running", "building", "stopping")} == {
        "running": "signal",
        "building": "environment",
        "stopping": "",
    }
    assert stages.attempts("building") == [(1, "ended", "environment")]
    assert begun_once(stages, "running")
    stages.next()
    stages.submit("building", model="needy")
    stages.submit("running")


def test_what_stands_in_any_stage_outlives_the_whole_gallery(stages: Stages) -> None:
    stages.stand()
    watched = [stage for stage in SUPERVISED if stage != "stopping"]
    supervisors = [stages.supervisor(stage) for stage in watched]
    lines, asked, before = stages.lines(), stages.folder("stopping"), stages.turns()

    stages.up.process.kill()
    stages.up.process.wait()
    (asked / "scratch" / "go").touch()
    stages.begin_again()
    shown_within_a_minute(stages, lambda: shown_truly(stages, before))

    assert stages.lines() > lines
    assert [stages.supervisor(stage) for stage in watched] == supervisors
    assert begun_once(stages)
    stages.next()


def test_what_was_held_in_its_stage_ends_well_and_once(stages: Stages) -> None:
    def newest() -> Any:
        return stages.paula.call("GET", "services/paula/rolls/generations")[0]

    stages.release()
    names = [stage for stage in stages.jobs if stage != "stopping"]
    stages.go("running")
    for stage in names:
        wait(lambda stage=stage: stages.shown(stage)[0] == "completed", f"the end of {stage}, not {stages.all_shown()}", MINUTE)  # type: ignore[misc]
    for service in ("starts", "rolls"):
        stages.let_answer(service)
        wait(lambda service=service: stages.answers(service), f"an answer of {service}", MINUTE)  # type: ignore[misc]
    wait(lambda: newest()["state"] == "serving", "the second version to serve", MINUTE)
    assert newest()["number"] == 2

    assert begun_once(stages)
    made = [stages.paula.training(stages.jobs[stage]) for stage in names]
    models = stages.paula.call("GET", "models?owner=paula&limit=100")["results"]
    assert sorted(row["output"] for row in made) == sorted(f"paula/{row['name']}" for row in models if row["name"].startswith("made-"))
    for row in made:
        head = stages.paula.call("GET", f"models/{row['output']}/commits")["results"][0]
        files = stages.paula.call("GET", f"models/{row['output']}/files?limit=1000")["results"]
        assert head["sha"] == row["output_commit"]
        assert len([file for file in files if file["path"].startswith("weights-")]) == 20


def test_a_gallery_that_is_stopped_in_order_finds_what_runs_again(stages: Stages) -> None:
    stages.submit("running")
    wait(stages.lines, "the first line", MINUTE)
    supervisors = [stages.supervisor(stage) for stage in ("running", *SERVICES)]

    assert stages.up.stop(signal.SIGTERM) == 0
    stages.begin_again()
    lines = stages.lines()
    wait(lambda: stages.lines() > lines and stages.answers(), "what runs to go on", MINUTE)

    assert [stages.supervisor(stage) for stage in ("running", *SERVICES)] == supervisors
    assert begun_once(stages)


def test_nothing_is_left_in_the_end(stages: Stages) -> None:
    for stage in ("running", "stopping"):
        stages.paula.call("POST", f"training-jobs/{stages.jobs[stage]}/stop")
        stages.go(stage)
    for service in SERVICES:
        stages.paula.put_away(service)
    jobs = [row["id"] for row in stages.paula.call("GET", "training-jobs?limit=100")["results"]]
    wait(lambda: all(stages.ask(f"training-jobs/{id}")["state"] in ("completed", "failed", "stopped") for id in jobs), "the jobs", MINUTE)
    wait(lambda: all(stages.shown(service)[0] == "stopped" for service in SERVICES), "the services", MINUTE)
    for id in jobs:
        if stages.paula.training(id)["checkpoints"] == "kept":
            stages.paula.call("POST", f"training-jobs/{id}/drop")

    assert stages.rows("SELECT DISTINCT state FROM toolchain_run") == [("ended",)]
    wait(lambda: not any(stages.left().values()), f"all to be gone, not {stages.left()}", MINUTE)
