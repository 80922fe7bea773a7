"""Reading the files of an asset into its columns."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from assets import services
from assets.ingest import read_asset
from assets.models import Asset, Term
from assets.tests.factories import finish_jobs, make_asset
from core.testing import browser
from jobs.models import Job
from jobs.services import run
from repos.operations import Delete, PutBytes
from repos.reading import resolve

CARD = """---
license: MIT License
language: [中文, en]
pipeline_tag: translation
library_name: PyTorch
hardware: [gpu, 昇腾]
minimum_hardware_requirement: 1-snt9b-16-cpu-24-96
distributed: true
industry: 金融
tags: [a, b]
base_model: lab/Base
datasets: [lab/Data]
title_zh: 云鹤
description: One line
---
# Title
"""
COLUMNS: dict[str, Any] = {
    "licence": "mit", "languages": ["zh", "en"], "task": "translation", "frameworks": ["pytorch"], "hardware": ["gpu", "npu"],
    "minimum_spec": "1-snt9b-16-cpu-24-96", "distributed": True, "industry": "finance", "tags": ["a", "b"], "base_models": ["lab/Base"],
    "datasets": ["lab/Data"], "title_zh": "云鹤", "description": "One line",
}  # fmt: skip

pytestmark = pytest.mark.django_db


def put(asset: Asset, actor: Any, text: str | bytes, path: str = "README.md", **options: Any) -> str:
    data = text if isinstance(text, bytes) else text.encode()
    return services.commit_files(asset=asset, actor=actor, operations=[PutBytes(path, data)], message="Change", **options).sha


def columns(asset: Asset) -> dict[str, Any]:
    return Asset.objects.filter(pk=asset.pk).values(*COLUMNS).get()


def fresh(asset: Asset) -> Asset:
    return Asset.objects.select_related("repository", "ingest_job").get(pk=asset.pk)


def test_commit_brings_the_columns_in_step(alice: Any) -> None:
    asset = make_asset(alice)
    sha = put(asset, alice, CARD)
    assert fresh(asset).ingest_job.state == Job.State.QUEUED
    finish_jobs()
    read = fresh(asset)
    assert columns(asset) == COLUMNS
    assert (read.card_commit, read.card_errors, read.ingest_job.state) == (sha, [], Job.State.DONE)


def test_counts_follow_the_files(alice: Any) -> None:
    asset = make_asset(alice)
    put(asset, alice, b"x" * 1000, "data/a.bin.txt")
    finish_jobs()
    read = fresh(asset)
    sizes = {path: len(data) for path, data in _files(asset, alice).items()}
    assert (read.repository.files, read.repository.size) == (len(sizes), sum(sizes.values()))


def _files(asset: Asset, alice: Any) -> dict[str, bytes]:
    from repos.reading import read_all, walk

    repository = Asset.objects.for_user(alice).whole().get(pk=asset.pk).open_repository()
    return {item.path: read_all(item) for item in walk(resolve(repository))}


def test_reading_again_changes_nothing(alice: Any) -> None:
    asset = make_asset(alice)
    sha = put(asset, alice, CARD)
    assert read_asset(asset_id=asset.pk, commit=sha)
    before = Asset.objects.filter(pk=asset.pk).values().get()
    assert read_asset(asset_id=asset.pk, commit=sha)
    assert Asset.objects.filter(pk=asset.pk).values().get() == before


def test_broken_card_keeps_the_last_good_values_and_says_why(alice: Any) -> None:
    asset = make_asset(alice)
    put(asset, alice, CARD)
    finish_jobs()
    sha = put(asset, alice, "---\nlicense: [\n---\n# Title\n")
    finish_jobs()
    read = fresh(asset)
    assert columns(asset) == COLUMNS
    assert (read.card_commit, [error["code"] for error in read.card_errors]) == (sha, ["yaml_syntax"])
    page = browser(alice).get(asset.get_absolute_url()).content.decode()
    assert "Some settings at the head of README.md could not be read" in page and "Line 3: The settings are not valid YAML" in page


def test_one_bad_value_keeps_only_its_own_column(alice: Any) -> None:
    asset = make_asset(alice)
    put(asset, alice, CARD)
    finish_jobs()
    put(asset, alice, CARD.replace("MIT License", "{a: b}").replace("translation", "summarization"))
    finish_jobs()
    assert columns(asset) == COLUMNS | {"task": "summarization"}
    assert fresh(asset).card_errors == [{"code": "wrong_shape", "line": 2, "params": {"key": "license"}}]


def test_card_without_head_clears_the_columns(alice: Any) -> None:
    asset = make_asset(alice)
    put(asset, alice, CARD)
    finish_jobs()
    put(asset, alice, "# Nothing\n")
    finish_jobs()
    assert columns(asset) == {column: type(value)() for column, value in COLUMNS.items()}


def test_asset_without_card_reads_as_empty(alice: Any) -> None:
    asset = make_asset(alice, licence="mit")
    services.commit_files(asset=asset, actor=alice, operations=[Delete("README.md")], message="Remove")
    finish_jobs()
    assert (columns(asset)["licence"], fresh(asset).card_errors) == ("", [])


def test_card_that_is_not_text_is_named(alice: Any) -> None:
    asset = make_asset(alice, licence="mit")
    finish_jobs()
    put(asset, alice, b"\xff\xfe\x00binary")
    finish_jobs()
    assert (columns(asset)["licence"], fresh(asset).card_errors) == ("mit", [{"code": "not_text", "line": 0, "params": {}}])


def test_commit_to_another_branch_is_not_read(alice: Any) -> None:
    asset = make_asset(alice)
    finish_jobs()
    head = resolve(asset.open_repository()).commit.sha
    services.create_version(asset=asset, actor=alice, name="refs/heads/other", revision=head)
    put(asset, alice, CARD, branch="other")
    finish_jobs()
    assert (columns(asset)["licence"], fresh(asset).card_commit) == ("", head)


def test_older_commit_never_overwrites_a_newer_one(alice: Any) -> None:
    asset = make_asset(alice)
    old = put(asset, alice, "---\nlicense: gpl-3.0\n---\n")
    new = put(asset, alice, CARD)
    assert read_asset(asset_id=asset.pk, commit=new)
    assert not read_asset(asset_id=asset.pk, commit=old)
    assert (columns(asset)["licence"], fresh(asset).card_commit) == ("mit", new)


def test_words_of_the_administration_count(alice: Any) -> None:
    Term.objects.create(vocabulary="licence", code="house", name_en="House licence", name_zh="本院许可", aliases=["our licence"])
    asset = make_asset(alice)
    put(asset, alice, "---\nlicense: Our Licence\n---\n")
    finish_jobs()
    assert columns(asset)["licence"] == "house"


def test_each_commit_has_its_own_job_and_a_repeat_has_none(alice: Any) -> None:
    asset = make_asset(alice)
    first, second = put(asset, alice, CARD), put(asset, alice, CARD + "more\n")
    services.commits.after_commit(asset=asset, actor=alice, commit=second, quiet=True)
    keys = list(Job.objects.filter(kind="assets.ingest").order_by("pk").values_list("dedupe_key", flat=True))[1:]
    assert keys == [f"assets.ingest:{asset.pk}:{first}", f"assets.ingest:{asset.pk}:{second}"]


def test_job_of_a_lost_worker_is_finished_by_the_next(alice: Any) -> None:
    asset = make_asset(alice)
    put(asset, alice, CARD)
    job = fresh(asset).ingest_job
    assert job.claim()
    run(job.pk)
    assert columns(asset)["licence"] == ""
    Job.objects.filter(pk=job.pk).update(due_at=timezone.now() - timedelta(seconds=1))
    run(job.pk)
    assert (columns(asset), fresh(asset).ingest_job.state) == (COLUMNS, Job.State.DONE)


def test_job_of_an_asset_that_is_gone_ends_well(alice: Any) -> None:
    asset = make_asset(alice, visibility="private")
    job = fresh(asset).ingest_job
    services.delete_asset(asset=asset, actor=alice)
    run(job.pk)
    assert Job.objects.get(pk=job.pk).state == Job.State.DONE


@pytest.mark.django_db(transaction=True)
def test_ingests_at_the_same_time_agree(alice: Any) -> None:
    asset = make_asset(alice)
    shas = [put(asset, alice, CARD.replace("One line", f"Line {number}")) for number in range(4)]

    def read(sha: str) -> None:
        try:
            read_asset(asset_id=asset.pk, commit=sha)
        finally:
            connection.close()

    threads = [threading.Thread(target=read, args=[sha]) for sha in shas]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (columns(asset)["description"], fresh(asset).card_commit) == ("Line 3", shas[-1])
