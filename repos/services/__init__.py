"""Everything that writes to the version store."""

from repos.services.commits import commit, restore
from repos.services.downloads import count_download
from repos.services.local import take_contents, take_file
from repos.services.objects import check_quota, keep_bytes, store_bytes
from repos.services.refs import create_ref, delete_ref
from repos.services.repositories import create_repository, delete_repository, move_repository
from repos.services.uploads import begin_upload, cancel_upload, confirm_part, finish_upload, part_addresses

__all__ = [
    "begin_upload", "cancel_upload", "check_quota", "commit", "confirm_part", "count_download", "create_ref", "create_repository", "delete_ref",
    "delete_repository", "finish_upload", "keep_bytes", "move_repository", "part_addresses", "restore", "store_bytes", "take_contents",
    "take_file",
]  # fmt: skip
