import threading
from typing import Any

import pytest
from dulwich.objects import Commit as GitCommit
from dulwich.objects import Tree

from core.problems import Forbidden, Problem
from core.testing import person
from repos import reading
from repos.models import Commit, Entry, GitObject, LargeReference, Ref, Repository, Upload
from repos.operations import Copy, Delete, Move, PutBytes, PutLarge, PutUpload
from repos.services import commit, create_ref, create_repository, delete_ref, restore, store_bytes
from repos.tests.conftest import opened

pytestmark = pytest.mark.django_db


def paths(repository: Repository, revision: str = "") -> list[str]:
    return [item.path for item in reading.walk(reading.resolve(repository, revision))]


def code_of(call: Any) -> str:
    with pytest.raises(Problem) as caught:
        call()
    return caught.value.code


def put(repository: Repository, actor: Any, **options: Any) -> Commit:
    options.setdefault("message", "change")
    return commit(repository=repository, actor=actor, **options)


def test_repository_starts_with_attributes_and_readme(repository: Repository) -> None:
    assert paths(repository) == [".gitattributes", "README.md"]
    assert repository.files == 2


def test_rows_are_true_git_objects(repository: Repository, alice: Any) -> None:
    made = put(repository, alice, operations=[PutBytes("a/b.txt", b"hello\n")], message="Add b")
    row = GitObject.objects.get(repository=repository, sha=made.sha)
    parsed = GitCommit.from_string(bytes(row.data))
    assert (parsed.id.decode(), parsed.message, parsed.author) == (made.sha, b"Add b\n", b"alice <alice@users.noreply.gallery>")
    root = Tree.from_string(bytes(GitObject.objects.get(repository=repository, sha=made.tree).data))
    assert root.id.decode() == made.tree
    assert [entry.path for entry in root.items()] == [b".gitattributes", b"README.md", b"a"]
    # `printf 'hello\n' | git hash-object --stdin`
    assert reading.find(reading.resolve(repository), "a/b.txt").oid == "ce013625030ba8dba906f756967f9e9ca394464a"


def test_folder_rows_add_up_and_name_the_last_commit(repository: Repository, alice: Any) -> None:
    first = put(repository, alice, operations=[PutBytes("a/b/one", b"1"), PutBytes("a/two", b"22"), PutBytes("c", b"3")])
    second = put(repository, alice, operations=[PutBytes("a/b/one", b"1111")])
    rows = {i.path: (i.size, i.files, i.commit.sha if i.commit else None) for i in reading.listing(reading.resolve(repository))}
    assert rows["a"] == (6, 2, second.sha)
    assert rows["c"] == (1, 1, first.sha)
    inner = {i.path: (i.size, i.files, i.commit.sha if i.commit else None) for i in reading.listing(reading.resolve(repository), "a")}
    assert inner == {"a/b": (4, 1, second.sha), "a/two": (2, 1, first.sha)}


def test_emptied_folders_vanish(repository: Repository, alice: Any) -> None:
    put(repository, alice, operations=[PutBytes("a/b/c/d", b"1")])
    put(repository, alice, operations=[Delete("a/b/c/d")])
    assert not Entry.objects.filter(name__in=["a", "b", "c", "d"]).exists()
    assert paths(repository) == [".gitattributes", "README.md"]


def test_index_equals_the_tree_after_many_changes(repository: Repository, alice: Any) -> None:
    put(repository, alice, operations=[PutBytes(f"d{i % 3}/e{i % 2}/f{i}", b"x" * i) for i in range(30)])
    put(repository, alice, operations=[Move("d0", "m/d0"), Delete("d1/e0"), PutBytes("d2/e1/f5", b"new"), Copy("d2", "copy")])
    made = put(repository, alice, operations=[Move("m/d0/e0", "d1/e0"), Delete("copy/e1")])
    indexed = {(e.path, e.oid, e.mode, e.size, e.files) for e in Entry.objects.filter(branch__name="refs/heads/main")}
    create_ref(repository=repository, actor=alice, name="refs/heads/rebuilt", revision=made.sha)
    Ref.objects.filter(name="refs/heads/main").delete()
    Ref.objects.filter(name="refs/heads/rebuilt").delete()
    create_ref_from_nothing = Ref.objects.create(repository=repository, name="refs/heads/main", commit=made.sha)
    from repos.index import update_index
    from repos.objects import EMPTY_TREE, Objects

    update_index(
        branch=create_ref_from_nothing,
        objects=Objects(repository),
        old_tree=EMPTY_TREE,
        new_tree=made.tree,
        commit=made.sha,
        at=made.committed_at,
    )
    rebuilt = {(e.path, e.oid, e.mode, e.size, e.files) for e in Entry.objects.filter(branch=create_ref_from_nothing)}
    assert indexed == rebuilt


@pytest.mark.parametrize(
    ("operations", "code"),
    [
        ([], "nothing_to_commit"),
        ([PutBytes("../x", b"")], "path_dots"),
        ([PutBytes("README.md", b"# Tiny\n")], "nothing_changed"),
        ([PutBytes("README.md/x", b"")], "path_file_in_the_way"),
        ([PutBytes("folder", b"")], "path_folder_in_the_way"),
        ([PutBytes("readme.MD", b"")], "path_collision"),
        ([PutBytes("FOLDER/x", b"")], "path_collision"),
        ([PutBytes("a", b"1"), PutBytes("A", b"2")], "path_collision"),
        ([PutBytes("caf\u00e9", b"1"), PutBytes("cafe\u0301", b"2")], "path_collision"),
        ([Delete("nowhere")], "path_not_found"),
        ([Delete("folder/nowhere")], "path_not_found"),
        ([Move("nowhere", "x")], "path_not_found"),
        ([Move("folder", "folder/inside")], "move_into_itself"),
        ([Move("README.md", "folder")], "path_exists"),
        ([Copy("README.md", "folder/file")], "path_exists"),
        ([PutLarge("w.bin", "ab" * 32)], "object_not_found"),
        ([PutLarge("w.bin", "../../etc")], "bad_sha256"),
        ([PutUpload("w.bin", "00000000-0000-0000-0000-000000000000")], "upload_not_found"),
    ],
)
def test_refused_commit_changes_nothing(repository: Repository, alice: Any, operations: Any, code: str) -> None:
    head = put(repository, alice, operations=[PutBytes("folder/file", b"1")]).sha
    before = (Commit.objects.count(), Entry.objects.count(), GitObject.objects.count())
    assert code_of(lambda: put(repository, alice, operations=operations)) == code
    assert Ref.objects.get(repository=repository).commit == head
    assert (Commit.objects.count(), Entry.objects.count(), GitObject.objects.count()) == before


def test_name_may_change_its_case_by_a_move(repository: Repository, alice: Any) -> None:
    put(repository, alice, operations=[Move("README.md", "Readme.md")])
    assert paths(repository) == [".gitattributes", "Readme.md"]


def test_limits_of_folder_and_repository(repository: Repository, alice: Any, settings: Any) -> None:
    settings.MAX_FOLDER_ENTRIES, settings.MAX_FILES = 5, 8
    assert code_of(lambda: put(repository, alice, operations=[PutBytes(f"a/{i}", b"") for i in range(6)])) == "folder_too_full"
    many = [PutBytes(f"a/{i}", b"") for i in range(5)] + [PutBytes(f"b/{i}", b"") for i in range(2)]
    assert code_of(lambda: put(repository, alice, operations=many)) == "too_many_files"
    put(repository, alice, operations=many[:-1])
    assert Repository.objects.get().files == 8


def test_reader_cannot_commit(repository: Repository, alice: Any) -> None:
    with pytest.raises(Forbidden):
        put(opened(repository, "view", "download"), alice, operations=[PutBytes("x", b"")])
    assert Commit.objects.count() == 1


def test_row_without_a_viewer_raises(repository: Repository, alice: Any) -> None:
    with pytest.raises(AttributeError):
        put(Repository.objects.get(), alice, operations=[PutBytes("x", b"")])


def test_older_parent_is_told_the_head(repository: Repository, alice: Any) -> None:
    old = Ref.objects.get().commit
    head = put(repository, alice, operations=[PutBytes("x", b"1")], parent=old).sha
    with pytest.raises(Problem) as caught:
        put(repository, alice, operations=[PutBytes("x", b"2")], parent=old)
    assert (caught.value.code, caught.value.status, caught.value.extra["head"]) == ("head_moved", 409, head)


def test_large_type_becomes_a_pointer_and_is_read_back(repository: Repository, alice: Any) -> None:
    put(repository, alice, operations=[PutBytes("w/model.safetensors", b"weights")])
    item = reading.find(reading.resolve(repository), "w/model.safetensors")
    assert (item.size, item.is_large) == (7, True)
    assert reading.read_all(item) == b"weights"
    assert bytes(GitObject.objects.get(repository=repository, sha=item.oid).data).startswith(b"version https://git-lfs")
    assert Repository.objects.get().size == 7 + 7 + reading.find(reading.resolve(repository), ".gitattributes").size


def test_pointer_of_a_foreign_object_grants_nothing(repository: Repository, alice: Any) -> None:
    bob = person("bob")
    other = opened(create_repository(namespace=bob, actor=bob, files={}))
    sha256 = store_bytes(repository=other, actor=bob, data=b"secret weights")
    put(other, bob, operations=[PutLarge("w.bin", sha256)])
    assert code_of(lambda: put(repository, alice, operations=[PutLarge("w.bin", sha256)])) == "object_not_found"
    assert not LargeReference.objects.filter(repository=repository).exists()


def test_typed_pointer_to_a_foreign_object_is_not_readable(repository: Repository, alice: Any) -> None:
    from repos.attributes import pointer

    bob = person("bob")
    other = opened(create_repository(namespace=bob, actor=bob, files={}))
    sha256 = store_bytes(repository=other, actor=bob, data=b"secret weights")
    put(other, bob, operations=[PutLarge("w.bin", sha256)])
    assert code_of(lambda: put(repository, alice, operations=[PutBytes("sneaky.txt", pointer(sha256, 14))])) == "object_not_found"


def test_restore_brings_back_the_files_and_keeps_history(repository: Repository, alice: Any) -> None:
    first = put(repository, alice, operations=[PutBytes("x", b"1"), PutBytes("w.bin", b"large")])
    put(repository, alice, operations=[Delete("x"), Delete("w.bin")])
    made = restore(repository=repository, actor=alice, revision=first.sha)
    assert (made.tree, made.generation) == (first.tree, 4)
    assert paths(repository) == [".gitattributes", "README.md", "w.bin", "x"]
    assert code_of(lambda: restore(repository=repository, actor=alice, revision=first.sha)) == "nothing_changed"
    assert code_of(lambda: restore(repository=repository, actor=alice, revision="f" * 40)) == "revision_not_found"


def test_tags_stay_and_branches_move_apart(repository: Repository, alice: Any) -> None:
    first = put(repository, alice, operations=[PutBytes("x", b"1")])
    create_ref(repository=repository, actor=alice, name="refs/tags/v1.0.0", revision=first.sha)
    create_ref(repository=repository, actor=alice, name="refs/heads/dev/next", revision=first.sha)
    put(repository, alice, operations=[PutBytes("x", b"22"), PutBytes("y", b"")])
    put(repository, alice, operations=[PutBytes("z", b"")], branch="dev/next")
    assert paths(repository, "v1.0.0") == [".gitattributes", "README.md", "x"]
    assert paths(repository, "dev/next") == [".gitattributes", "README.md", "x", "z"]
    revision, path = reading.split(repository, "dev/next/some/file")
    assert (revision.name, path) == ("dev/next", "some/file")
    assert code_of(lambda: create_ref(repository=repository, actor=alice, name="refs/tags/v1.0.0", revision=first.sha)) == "ref_exists"
    assert code_of(lambda: delete_ref(repository=repository, actor=alice, name="refs/heads/main")) == "default_branch"
    delete_ref(repository=repository, actor=alice, name="refs/heads/dev/next")
    assert code_of(lambda: reading.resolve(repository, "dev/next")) == "revision_not_found"


@pytest.mark.parametrize(
    "name",
    [
        "refs/tags/",
        "refs/heads/a..b",
        "refs/tags/deadbeef",
        "refs/heads/HEAD",
        "main",
        "refs/heads/a b",
        "refs/tags/x\n",
        "refs/heads/" + "x" * 250,
    ],
)
def test_bad_ref_name_is_refused(repository: Repository, alice: Any, name: str) -> None:
    assert code_of(lambda: create_ref(repository=repository, actor=alice, name=name, revision=Ref.objects.get().commit)) == "bad_ref_name"


def test_history_of_a_path_names_only_its_commits(repository: Repository, alice: Any) -> None:
    commits = [put(repository, alice, operations=[PutBytes("a/x" if i % 3 == 0 else f"other{i}", b"%d" % i)]) for i in range(7)]
    revision = reading.resolve(repository)
    assert [c.sha for c in reading.history(revision, "a/x")] == [commits[6].sha, commits[3].sha, commits[0].sha]
    assert [c.sha for c in reading.history(revision, "a/x", offset=1, limit=1)] == [commits[3].sha]
    assert [c.generation for c in reading.history(revision, offset=2, limit=3)] == [6, 5, 4]


def test_long_history_is_walked_past_a_block(repository: Repository, alice: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("repos.reading.commits.PATH_BATCH", 3)
    for i in range(8):
        put(repository, alice, operations=[PutBytes("x", b"%d" % i)])
    revision = reading.resolve(repository)
    assert [c.generation for c in reading.history(revision, limit=100)] == [9, 8, 7, 6, 5, 4, 3, 2, 1]
    assert [c.generation for c in reading.history(revision, "README.md", limit=100)] == [1]


def test_changes_tell_renames_from_edits(repository: Repository, alice: Any) -> None:
    first = put(repository, alice, operations=[PutBytes("a", b"same"), PutBytes("b", b"old"), PutBytes("c", b"gone")])
    second = put(repository, alice, operations=[Move("a", "d/a"), PutBytes("b", b"newer"), Delete("c"), PutBytes("e", b"")])
    found = {
        (c.path, c.status, c.source, c.old.size if c.old else None, c.new.size if c.new else None)
        for c in reading.changes(repository, first.sha, second.sha)
    }
    assert found == {("d/a", "renamed", "a", 4, 4), ("b", "modified", "", 3, 5), ("c", "deleted", "", 4, None), ("e", "added", "", None, 0)}


def test_old_revision_lists_with_the_commits_of_its_time(repository: Repository, alice: Any) -> None:
    first = put(repository, alice, operations=[PutBytes("a/x", b"1"), PutBytes("b", b"2")])
    second = put(repository, alice, operations=[PutBytes("b", b"22")])
    put(repository, alice, operations=[PutBytes("b", b"333"), PutBytes("a/x", b"")])
    rows = {
        i.path: (i.size if not i.is_folder else None, i.commit.sha if i.commit else None)
        for i in reading.listing(reading.resolve(repository, second.sha))
    }
    assert rows["b"] == (2, second.sha)
    assert rows["a"] == (None, first.sha)


def test_size_of_the_whole_is_that_of_the_branch_asked_for(repository: Repository, alice: Any) -> None:
    first = put(repository, alice, operations=[PutBytes("x", b"1")])
    start = repository.size
    create_ref(repository=repository, actor=alice, name="refs/heads/dev", revision=first.sha)
    put(repository, alice, operations=[PutBytes("y", b"22"), PutBytes("z", b"3")], branch="dev")
    put(repository, alice, operations=[PutBytes("y", b"4444")])

    def whole(revision: str) -> tuple[int, int]:
        item = reading.find(reading.resolve(repository, revision), "")
        return item.size, item.files

    assert [whole("main"), whole("dev"), whole(first.sha)] == [(start + 4, 4), (start + 3, 5), (0, 0)]


def test_ambiguous_or_short_ids_find_nothing(repository: Repository) -> None:
    assert code_of(lambda: reading.resolve(repository, Ref.objects.get().commit[:6])) == "revision_not_found"
    assert reading.resolve(repository, Ref.objects.get().commit[:7]).commit.generation == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_racing_commits_one_wins_and_the_other_learns_the_head(repository: Repository, alice: Any) -> None:
    from django.db import connections

    base = Ref.objects.get().commit
    start = threading.Barrier(2)
    outcomes: list[str] = []

    def work(name: str) -> None:
        try:
            start.wait()
            mine = opened(Repository.objects.get(pk=repository.pk))
            outcomes.append(commit(repository=mine, actor=alice, operations=[PutBytes(name, b"x")], message=name, parent=base).sha)
        except Problem as problem:
            outcomes.append(f"{problem.code} {problem.extra['head']}")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    head = Ref.objects.get().commit
    assert sorted(outcomes) == sorted([head, f"head_moved {head}"])
    assert Commit.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_racing_commits_without_a_parent_both_land(repository: Repository, alice: Any) -> None:
    from django.db import connections

    start = threading.Barrier(4)

    def work(name: str) -> None:
        try:
            start.wait()
            commit(
                repository=opened(Repository.objects.get(pk=repository.pk)),
                actor=alice,
                operations=[PutBytes(f"d/{name}", b"x")],
                message=name,
            )
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(str(n),)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert paths(repository) == [".gitattributes", "README.md", "d/0", "d/1", "d/2", "d/3"]
    assert reading.resolve(repository).commit.generation == 5


def test_listing_costs_the_same_for_ten_times_the_files(repository: Repository, alice: Any, django_assert_num_queries: Any) -> None:
    put(repository, alice, operations=[PutBytes(f"d/{i}", b"") for i in range(10)])
    for count in (10, 100):
        put(repository, alice, operations=[PutBytes(f"d/{count}-{i}", b"") for i in range(count)])
        revision = reading.resolve(repository)
        with django_assert_num_queries(2):
            reading.listing(revision, "d")
        with django_assert_num_queries(2):
            reading.find(revision, f"d/{count}-1")


def test_used_upload_is_forgotten_by_the_commit(repository: Repository, alice: Any) -> None:
    sha256 = store_bytes(repository=repository, actor=alice, data=b"weights")
    upload = Upload.objects.get()
    put(repository, alice, operations=[PutUpload("w.bin", upload.pk)])
    assert not Upload.objects.exists()
    assert reading.find(reading.resolve(repository), "w.bin").sha256 == sha256


def test_quota_stops_what_would_pass_it(repository: Repository, alice: Any, settings: Any) -> None:
    settings.NAMESPACE_QUOTA = Repository.objects.get().stored + 10
    assert code_of(lambda: store_bytes(repository=repository, actor=alice, data=b"x" * 11)) == "quota_exceeded"
    store_bytes(repository=repository, actor=alice, data=b"x" * 10)
