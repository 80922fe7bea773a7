"""Making one commit of what a program left behind."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from uuid import UUID, uuid5

from accounts.models import User
from assets.models import Asset
from assets.services import commit_files
from core.permissions import require
from core.problems import Conflict
from jobs.services import JobError
from repos.attributes import is_large
from repos.backends.base import StoreError
from repos.blobs import store_problem
from repos.models import Commit, Repository, Upload
from repos.operations import Operation, PutBytes, PutLarge, PutUpload
from repos.reading import resolve
from repos.services import check_quota, take_contents, take_file
from toolchain.materials.outputs import Found, Survey, opened
from toolchain.materials.pace import Beat, Pace, Superseded, claimed

TRAILER = "Run"
SMALL_BYTES = 128 << 20
"""The most bytes that one commit carries in memory; larger ones of many small files become large objects."""
TOGETHER = 256 << 10
BATCH = 128
RACES = 5
_SPACE = UUID("6c1d5c0e-5b0f-4b5a-9d55-2f1d5f0f7a11")


def collect(
    survey: Survey,
    *,
    asset: Asset,
    actor: User,
    message: str,
    key: str,
    extra: Sequence[Operation] = (),
    moved: Mapping[str, str] | None = None,
    beat: Beat | None = None,
) -> Commit:
    """Commit the files of a survey, and then `extra`, to the default branch of `asset`, read for `actor`; return the commit.

    `moved` gives files another path in the repository than in the folder.

    `key` names the attempt: it stands at the end of the message, and a second call with it returns the first one's commit. Large files are
    hashed and taken into the store as they are; a call after a crash goes on behind the last one taken. Raises `Problem`: `quota_exceeded`,
    those of `Survey.check`, `file_too_large`, `output_changed`; `JobError` where the store may answer later, `Superseded`.
    """
    repository = asset.open_repository()
    require(repository, "commit")
    survey.check()
    pace = Pace(beat)
    try:
        with claimed(survey.folder.with_name(f"{survey.folder.name}.lock"), pace):
            if done := collected(repository, key):
                return done
            operations = _operations(survey, repository, actor, key, moved or {}, pace)
            return _committed(asset, actor, [*operations, *extra], f"{message.strip()}\n\n{TRAILER}: {key}", key)
    except StoreError as error:
        if error.retry:
            raise JobError(error.code, retry=True) from error
        raise store_problem(error) from error


def collected(repository: Repository, key: str) -> Commit | None:
    """Return the commit that was made of the attempt `key`, if one was."""
    return Commit.objects.filter(repository=repository, message__endswith=f"\n{TRAILER}: {key}").first()


def _operations(survey: Survey, repository: Repository, actor: User, key: str, moved: Mapping[str, str], pace: Pace) -> list[Operation]:
    """Return what puts the files of a survey into a commit, with the large ones in the store."""
    large, small = _divided(survey.files)
    check_quota(repository, sum(file.size for file in large))
    operations: list[Operation] = []
    for batch in _batches(large):
        for file, upload in _taken(survey, batch, repository, actor, key, pace):
            path = moved.get(file.path, file.path)
            operations.append(PutUpload(path, upload.pk) if is_large(path, file.size) else PutLarge(path, upload.object_sha256))
    for file in small:
        operations.append(PutBytes(moved.get(file.path, file.path), _read(survey, file)))
        pace.tick()
    return operations


def _divided(files: Sequence[Found]) -> tuple[list[Found], list[Found]]:
    """Return the files that become large objects, and the others, which fit into memory together."""
    large = [file for file in files if is_large(file.path, file.size)]
    small = sorted((file for file in files if not is_large(file.path, file.size)), key=lambda file: file.size)
    held = sum(file.size for file in small)
    while held > SMALL_BYTES:
        file = small.pop()
        held -= file.size
        large.append(file)
    return large, small


def _batches(files: Sequence[Found]) -> Iterator[list[Found]]:
    """Yield files one by one, but many small ones together."""
    ordered = sorted(files, key=lambda file: file.size)
    few = [file for file in ordered if file.size <= TOGETHER]
    for start in range(0, len(few), BATCH):
        yield few[start : start + BATCH]
    for file in ordered[len(few) :]:
        yield [file]


def _taken(
    survey: Survey, files: Sequence[Found], repository: Repository, actor: User, key: str, pace: Pace
) -> Iterator[tuple[Found, Upload]]:
    """Yield the files with the uploads they became."""
    pace.tick()
    ids = {uuid5(_SPACE, f"{repository.pk}:{key}:{file.path}"): file for file in files}
    if files[0].size <= TOGETHER:
        contents = {id: (file.path, _read(survey, file)) for id, file in ids.items()}
        uploads = take_contents(repository=repository, actor=actor, contents=contents)
        yield from ((file, uploads[id]) for id, file in ids.items())
        return
    for id, file in ids.items():
        with opened(survey, file) as source:
            upload = take_file(
                repository=repository, actor=actor, path=file.path, descriptor=source.fileno(), id=id, beat=_alive(pace)
            )  # fmt: skip
        if upload.state != Upload.State.FINISHED:
            raise Superseded
        yield file, upload


def _read(survey: Survey, file: Found) -> bytes:
    with opened(survey, file) as source:
        return source.read(file.size)


def _alive(pace: Pace) -> Callable[[], bool]:
    def alive() -> bool:
        pace.tick()
        return True

    return alive


def _committed(asset: Asset, actor: User, operations: Sequence[Operation], message: str, key: str) -> Commit:
    """Commit on top of a head that has nothing of this attempt yet: whoever is slower finds the head moved, and looks again."""
    repository = asset.open_repository()
    for _attempt in range(RACES):
        head = resolve(repository).commit.sha
        if done := collected(repository, key):
            return done
        try:
            return commit_files(
                asset=asset, actor=actor, operations=operations, message=message, branch=repository.default_branch, parent=head
            )
        except Conflict as problem:
            if problem.code != "head_moved":
                raise
    raise JobError("head_moved", retry=True)
