"""Git's object model in rows, and an index of every branch's head."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Namespace

HEADS, TAGS = "refs/heads/", "refs/tags/"
FOLDER_MODE, FILE_MODE, EXECUTABLE_MODE = 0o040000, 0o100644, 0o100755


class Repository(models.Model):
    """A versioned set of files. `namespace` pays for its bytes.

    `size` and `files` describe the head of the default branch; `stored` counts the bytes of every revision, each object once.

    Rows reach a viewer through the room above, which sets `allowed` from the viewer's rights on the asset; a row read any
    other way has no such attribute and raises when asked.
    """

    allowed: frozenset[str]

    namespace = models.ForeignKey(Namespace, on_delete=models.PROTECT, related_name="repositories")
    default_branch = models.CharField(max_length=200, default="main")
    size = models.BigIntegerField(default=0)
    files = models.PositiveIntegerField(default=0)
    stored = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "repositories"
        indexes = [models.Index(fields=["deleted_at"], condition=Q(deleted_at__isnull=False), name="repository_deleted")]

    def __str__(self) -> str:
        return f"repository {self.pk}"


class GitObject(models.Model):
    """One git object: `data` is the content without git's header; `kind` is git's type number."""

    class Kind(models.IntegerChoices):
        COMMIT = 1
        TREE = 2
        BLOB = 3
        TAG = 4

    pk = models.CompositePrimaryKey("repository_id", "sha")
    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="+")
    sha = models.CharField(max_length=40)
    kind = models.PositiveSmallIntegerField(choices=Kind.choices)
    size = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(kind__in=[1, 2, 3, 4]), name="git_object_kind")]

    def __str__(self) -> str:
        return self.sha


class Commit(models.Model):
    """The facts of a git commit in columns. `generation` counts the commits on the first-parent line up to this one."""

    pk = models.CompositePrimaryKey("repository_id", "sha")
    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="commits")
    sha = models.CharField(max_length=40)
    tree = models.CharField(max_length=40)
    parents = ArrayField(models.CharField(max_length=40), default=list)
    generation = models.PositiveIntegerField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    author_name = models.CharField(max_length=255)
    author_email = models.CharField(max_length=255, blank=True)
    committed_at = models.DateTimeField()
    message = models.TextField()

    def __str__(self) -> str:
        return self.short

    @property
    def short(self) -> str:
        """The first seven digits of the id."""
        return self.sha[:7]

    @property
    def title(self) -> str:
        """The first line of the message."""
        return self.message.split("\n", 1)[0]

    @property
    def parent(self) -> str | None:
        """The first parent's id."""
        return self.parents[0] if self.parents else None


class Ref(models.Model):
    """A branch or tag. `commit` moves by compare-and-set only."""

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="refs")
    name = models.CharField(max_length=255)
    commit = models.CharField(max_length=40)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["repository", "name"], name="ref_once"),
            models.CheckConstraint(condition=Q(name__startswith="refs/"), name="ref_name"),
        ]
        indexes = [models.Index(fields=["repository", "commit"])]

    def __str__(self) -> str:
        return self.short

    @property
    def is_branch(self) -> bool:
        return self.name.startswith(HEADS)

    @property
    def short(self) -> str:
        """The name as people write it: `main`, `v1.0`."""
        return self.name.removeprefix(HEADS).removeprefix(TAGS)

    def advance(self, expected: str, commit: str) -> bool:
        """Move to `commit` if the ref still points to `expected`; say whether it did."""
        now = timezone.now()
        moved = Ref.objects.filter(pk=self.pk, commit=expected).update(commit=commit, updated_at=now) == 1
        if moved:
            self.commit, self.updated_at = commit, now
        return moved


class Entry(models.Model):
    """One path at a branch's head: an index for listing and look-up, kept by every commit, never the truth.

    A folder's `size` and `files` count everything below it. `sha256` is set where the content is a large object; `oid` is
    then the pointer's git id. `key` is the path as collisions see it (NFC, case-folded). `commit` last changed the path.
    """

    branch = models.ForeignKey(Ref, on_delete=models.CASCADE, related_name="entries")
    folder = models.TextField(db_collation="C")
    name = models.TextField(db_collation="C")
    key = models.TextField(db_collation="C")
    mode = models.PositiveIntegerField()
    oid = models.CharField(max_length=40)
    size = models.BigIntegerField()
    files = models.PositiveIntegerField(default=1)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    commit = models.CharField(max_length=40)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["branch", "folder", "name"], name="entry_path"),
            models.UniqueConstraint(fields=["branch", "key"], name="entry_no_collision"),
        ]

    def __str__(self) -> str:
        return self.path

    @property
    def path(self) -> str:
        return f"{self.folder}/{self.name}" if self.folder else self.name

    @property
    def is_folder(self) -> bool:
        return self.mode == FOLDER_MODE
