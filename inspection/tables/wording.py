"""Why tables, splits, files and rows of a dataset could not be read, in sentences."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

SENTENCES: "dict[str, str | _StrPromise]" = {
    # The whole dataset, or a subset.
    "bad_configs": gettext_lazy("“configs” in the card is not a list of subsets."),
    "config_without_name": gettext_lazy("A subset in “configs” of the card has no “config_name”."),
    "several_defaults": gettext_lazy("The card names two default subsets, “%(first)s” and “%(second)s”. Keep one."),
    "bad_data_files": gettext_lazy("“data_files” in the card is neither a path, nor a list, nor splits with their paths."),
    "bad_split_name": gettext_lazy("“%(split)s” cannot be the name of a split: use letters, digits, underscores and dots."),
    "split_twice": gettext_lazy("The split “%(split)s” is named twice."),
    "no_data_files": gettext_lazy("No file belongs to it whose format is understood."),
    "file_not_found": gettext_lazy("“%(pattern)s” names no file here."),
    "several_formats": gettext_lazy("The splits have different formats (%(formats)s). Keep to one format."),
    "too_many_patterns": gettext_lazy("The card has more patterns over more files than can be compared."),
    "pattern_too_long": gettext_lazy("A pattern in the card is too long."),
    "pattern_outside": gettext_lazy("“%(pattern)s” leads out of this repository."),
    "bad_pattern": gettext_lazy("“%(pattern)s” is not a pattern that can be understood."),
    "format_not_read": gettext_lazy("Files of the format “%(format)s” are recognised, but their contents are not read."),
    "no_rows": gettext_lazy("None of its files has a row that can be read."),
    # A file.
    "archive_not_read": gettext_lazy("Archives of this kind are not unpacked. Add the files themselves."),
    "encrypted": gettext_lazy("The file is encrypted."),
    "not_parquet": gettext_lazy("This is no Parquet file."),
    "not_arrow": gettext_lazy("This is no Arrow file."),
    "not_tar": gettext_lazy("This is no tar archive."),
    "damaged_tar": gettext_lazy("The archive is damaged."),
    "wrong_footer": gettext_lazy("The footer of the Parquet file is damaged."),
    "footer_too_large": gettext_lazy("The footer of the Parquet file is too large to be read."),
    "copy_damaged": gettext_lazy("The prepared copy is damaged. Read it again."),
    "copy_missing": gettext_lazy("The prepared copy is missing. Read it again."),
    "store_unavailable": gettext_lazy("The object storage does not answer. Read it again later."),
    "truncated": gettext_lazy("The file ends too early."),
    "damaged": gettext_lazy("The file is damaged."),
    "empty": gettext_lazy("The file has no rows."),
    "not_text": gettext_lazy("The file is not text."),
    "bad_compression": gettext_lazy("The compression of the file is damaged."),
    "bad_json": gettext_lazy("This is not valid JSON."),
    "field_not_found": gettext_lazy("The field “%(field)s” that the card names is not in the file."),
    "field_without_rows": gettext_lazy("The field “%(field)s” holds no list of rows."),
    "header_too_long": gettext_lazy("The first line is too long to hold the names of columns."),
    "too_deep": gettext_lazy("Its values are nested too deeply."),
    "too_large_to_read": gettext_lazy("A part of it is too large to be read."),
    "out_of_memory": gettext_lazy("Reading it takes more memory than one reader may have."),
    "out_of_time": gettext_lazy("Reading it took too long and was stopped."),
    "crashed": gettext_lazy("The reader broke off."),
    # A row.
    "bad_encoding": gettext_lazy("Some characters do not fit the encoding of the file."),
    "bad_record": gettext_lazy("The line cannot be taken apart into columns."),
    "nul_bytes": gettext_lazy("The line holds NUL characters."),
    "too_many_fields": gettext_lazy("The line has more fields than there are columns."),
    "unclosed_quote": gettext_lazy("A quotation mark is never closed."),
    "bad_number": gettext_lazy("A number cannot be read."),
    "not_an_object": gettext_lazy("The row is no JSON object."),
    "media_not_found": gettext_lazy("The file that the row names is not there."),
    "member_twice": gettext_lazy("The archive holds this name twice."),
    # A picture.
    "picture_bytes": gettext_lazy("This picture is too large to be shown. Download it."),
    "picture_pixels": gettext_lazy("This picture has %(width)d × %(height)d pixels, too many to be shown. Download it."),
    "picture_damaged": gettext_lazy("This is no picture that can be shown, or it is damaged."),
}  # fmt: skip


def explain(code: str, facts: Mapping[str, Any] | None = None) -> str:
    """Return the sentence for a code; a general one where the code has none of its own."""
    sentence = SENTENCES.get(code)
    if sentence is None:
        return _("It could not be read (%(code)s).") % {"code": code}
    try:
        return str(sentence) % dict(facts or {})
    except (KeyError, TypeError, ValueError):
        return _("It could not be read (%(code)s).") % {"code": code}
