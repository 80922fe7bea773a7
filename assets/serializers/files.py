"""The shape of files, commits, refs and uploads in REST.

Rows are turned into plain dictionaries by functions, because a listing or a commit may hold ten thousand of them; the
serializers describe the same shapes for the API description and check small inputs.
"""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from assets.safety import Verdict
from assets.serializers.inspections import SafetyShape, verdict_data
from repos.models import Commit, Ref, Upload
from repos.reading import Change, Item


def commit_data(commit: Commit) -> dict[str, Any]:
    """Return a commit as REST shows it."""
    return {
        "sha": commit.sha,
        "parents": list(commit.parents),
        "author": {
            "handle": commit.author.handle if commit.author else None,
            "name": commit.author.name if commit.author else commit.author_name,
        },
        "committed_at": commit.committed_at,
        "title": commit.title,
        "message": commit.message,
    }


def item_data(item: Item, *, with_commit: bool = True, verdict: Verdict | None = None, told: bool = False) -> dict[str, Any]:
    """Return a file or folder as REST shows it; `sha256` is null for small files, `oid` where the content is not for the caller.

    `verdict` is that of the safety scan on a file, whose findings are shown where the caller may be `told`.
    """
    data: dict[str, Any] = {
        "path": item.path,
        "type": "folder" if item.is_folder else "file",
        "size": item.size,
        "oid": item.oid or None,
        "sha256": item.sha256 or None,
        "executable": not item.is_folder and bool(item.mode & 0o111),
    }
    if item.is_folder:
        data["files"] = item.files
    data["safety"] = verdict_data(verdict, told=told) if verdict else None
    if with_commit:
        data["commit"] = commit_data(item.commit) if item.commit else None
    return data


def change_data(change: Change) -> dict[str, Any]:
    """Return what happened to one path."""

    def side(item: Item | None) -> dict[str, Any] | None:
        return {"size": item.size, "oid": item.oid, "sha256": item.sha256 or None} if item else None

    return {"path": change.path, "status": change.status, "source": change.source or None, "old": side(change.old), "new": side(change.new)}


def ref_data(ref: Ref, default: str) -> dict[str, Any]:
    """Return a branch or tag."""
    return {
        "name": ref.short,
        "ref": ref.name,
        "type": "branch" if ref.is_branch else "tag",
        "commit": ref.commit,
        "updated_at": ref.updated_at,
        "default": ref.is_branch and ref.short == default,
    }


def upload_data(upload: Upload, missing: list[int], addresses: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Return the state of an upload; `missing` are the numbers of the parts that have not arrived."""
    finished = upload.state == Upload.State.FINISHED
    data: dict[str, Any] = {
        "id": str(upload.pk),
        "path": upload.path,
        "size": upload.size,
        "sha256": upload.object_sha256 or upload.sha256 or None,
        "state": upload.state,
        "stored": finished,
        "part_size": upload.part_size,
        "part_count": upload.part_count,
        "missing": [] if finished else missing,
        "error": upload.error or None,
        "expires_at": upload.expires_at,
    }
    if addresses is not None:
        data["addresses"] = addresses
    return data


class AuthorShape(serializers.Serializer[Any]):
    handle = serializers.CharField(allow_null=True)
    name = serializers.CharField()


class CommitShape(serializers.Serializer[Commit]):
    """A commit."""

    sha = serializers.CharField()
    parents = serializers.ListField(child=serializers.CharField())
    author = AuthorShape()
    committed_at = serializers.DateTimeField()
    title = serializers.CharField()
    message = serializers.CharField()


class ItemShape(serializers.Serializer[Item]):
    """A file or folder of a revision."""

    path = serializers.CharField()
    type = serializers.ChoiceField(choices=["file", "folder"])
    size = serializers.IntegerField(help_text="Bytes; for a folder, of everything below it.")
    oid = serializers.CharField(
        allow_null=True, help_text="The git id of the content, or of the pointer to it; null where the caller may not read it."
    )
    sha256 = serializers.CharField(allow_null=True, help_text="Of a large object; null for a small file.")
    executable = serializers.BooleanField()
    files = serializers.IntegerField(required=False, help_text="Files below a folder.")
    safety = SafetyShape(allow_null=True, help_text="Null for a folder.")
    commit = CommitShape(allow_null=True, required=False, help_text="What last changed it, where that is known.")


class ItemPageShape(serializers.Serializer[Any]):
    """A page of entries at `revision`, which is the id of the commit that was read."""

    revision = serializers.CharField()
    next = serializers.CharField(allow_null=True)
    results = ItemShape(many=True)


class FileShape(ItemShape):
    """One file or folder with the commit it was read at."""

    revision = serializers.CharField()
    url = serializers.CharField(allow_null=True, help_text="Where its bytes are; null for a folder.")


class SideShape(serializers.Serializer[Any]):
    size = serializers.IntegerField()
    oid = serializers.CharField()
    sha256 = serializers.CharField(allow_null=True)


class ChangeShape(serializers.Serializer[Change]):
    """What a commit did to one path."""

    path = serializers.CharField()
    status = serializers.ChoiceField(choices=["added", "modified", "deleted", "renamed"])
    source = serializers.CharField(allow_null=True, help_text="The former path of a renamed file.")  # type: ignore[assignment]
    old = SideShape(allow_null=True)
    new = SideShape(allow_null=True)


class CommitDetailShape(CommitShape):
    """A commit with its changes against its first parent."""

    changes = ChangeShape(many=True)
    truncated = serializers.BooleanField(help_text="Whether there are more changes than are listed.")


class CommitPageShape(serializers.Serializer[Any]):
    next = serializers.CharField(allow_null=True)
    results = CommitShape(many=True)


class OperationShape(serializers.Serializer[Any]):
    """One change. `put` takes one of `content`, `upload` and `sha256`."""

    op = serializers.ChoiceField(choices=["put", "delete", "copy", "move"])
    path = serializers.CharField(required=False, help_text="For put and delete.")
    content = serializers.CharField(required=False)
    encoding = serializers.ChoiceField(choices=["utf-8", "base64"], required=False, default="utf-8")
    executable = serializers.BooleanField(required=False, default=False)
    upload = serializers.UUIDField(required=False, help_text="A finished upload of yours in this repository.")
    sha256 = serializers.CharField(required=False, help_text="A large object that this repository holds.")
    source = serializers.CharField(required=False, help_text="For copy and move.")  # type: ignore[assignment]
    target = serializers.CharField(required=False, help_text="For copy and move.")
    revision = serializers.CharField(required=False, help_text="For copy: where `source` is read; the branch itself without it.")


class NewCommitShape(serializers.Serializer[Any]):
    """Changes of files that become one commit, all or nothing."""

    branch = serializers.CharField(required=False, help_text="The default branch without it.")
    parent = serializers.CharField(required=False, help_text="The head you worked from; 409 `head_moved` if it is no longer the head.")  # type: ignore[assignment]
    message = serializers.CharField(required=False, allow_blank=True)
    operations = OperationShape(many=True)


class RefShape(serializers.Serializer[Ref]):
    """A branch or tag."""

    name = serializers.CharField()
    ref = serializers.CharField()
    type = serializers.ChoiceField(choices=["branch", "tag"])
    commit = serializers.CharField()
    updated_at = serializers.DateTimeField()
    default = serializers.BooleanField()


class NewRefShape(serializers.Serializer[Mapping[str, Any]]):
    """A new branch or tag at a revision."""

    type = serializers.ChoiceField(choices=["branch", "tag"])
    name = serializers.CharField(max_length=200)
    revision = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class NewUploadShape(serializers.Serializer[Any]):
    path = serializers.CharField()
    size = serializers.IntegerField()
    sha256 = serializers.CharField(required=False)


class NewUploadsShape(serializers.Serializer[Any]):
    """Up to 1,000 files that are to be sent."""

    files = NewUploadShape(many=True)


class AddressShape(serializers.Serializer[Any]):
    """Where a part is PUT. With `confirm`, report its ETag afterwards; otherwise send `X-Part-SHA256` along."""

    number = serializers.IntegerField()
    offset = serializers.IntegerField()
    length = serializers.IntegerField()
    url = serializers.CharField()
    headers = serializers.DictField(child=serializers.CharField())
    confirm = serializers.BooleanField()


class UploadShape(serializers.Serializer[Upload]):
    """One file on its way. `stored` says that nothing needs to be sent."""

    id = serializers.UUIDField()
    path = serializers.CharField()
    size = serializers.IntegerField()
    sha256 = serializers.CharField(allow_null=True)
    state = serializers.ChoiceField(choices=Upload.State.choices)
    stored = serializers.BooleanField()
    part_size = serializers.IntegerField()
    part_count = serializers.IntegerField()
    missing = serializers.ListField(child=serializers.IntegerField())
    error = serializers.CharField(allow_null=True)
    expires_at = serializers.DateTimeField()
    addresses = AddressShape(many=True, required=False)


class UploadsShape(serializers.Serializer[Any]):
    """In the order of the request; a file that is refused has `path` and `error` with `code` and `detail` instead."""

    uploads = UploadShape(many=True)


class ConfirmedPartShape(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    sha256 = serializers.CharField()
    etag = serializers.CharField(required=False, allow_blank=True)


class PartsShape(serializers.Serializer[Any]):
    """Part numbers to get addresses for, and parts the store has taken."""

    numbers = serializers.ListField(child=serializers.IntegerField(), required=False, max_length=1000)
    confirm = ConfirmedPartShape(many=True, required=False)


class AddressesShape(serializers.Serializer[Any]):
    addresses = AddressShape(many=True)
