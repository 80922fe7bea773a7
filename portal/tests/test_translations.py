import gettext
import os
from pathlib import Path

from portal.translations import compile_messages, problems, stale

SOURCE = """
msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\\nPlural-Forms: nplurals=1; plural=0;\\n"

msgid "Model"
msgstr "模型"

msgid "%(n)s file"
msgid_plural "%(n)s files"
msgstr[0] "%(n)s 个文件"

#, fuzzy
msgid "Dataset"
msgstr "数据"

msgid "Missing"
msgstr ""
"""


def write(folder: Path) -> Path:
    path = folder / "zh_Hans" / "LC_MESSAGES" / "django.po"
    path.parent.mkdir(parents=True)
    path.write_text(SOURCE)
    return path


def test_compiled_file_is_what_gettext_reads(tmp_path: Path) -> None:
    path = write(tmp_path)

    assert compile_messages(tmp_path) == 1

    with path.with_suffix(".mo").open("rb") as file:
        found = gettext.GNUTranslations(file)
    assert (found.gettext("Model"), found.ngettext("%(n)s file", "%(n)s files", 5)) == ("模型", "%(n)s 个文件")
    assert (found.gettext("Dataset"), found.gettext("Missing")) == ("Dataset", "Missing")


def test_only_stale_files_are_compiled_again(tmp_path: Path) -> None:
    path = write(tmp_path)
    compile_messages(tmp_path)

    assert compile_messages(tmp_path) == 0

    later = path.with_suffix(".mo").stat().st_mtime + 1
    os.utime(path, (later, later))
    assert stale(tmp_path) == [path]
    assert compile_messages(tmp_path) == 1


def test_fuzzy_and_missing_messages_are_problems(tmp_path: Path) -> None:
    path = write(tmp_path)

    assert problems(tmp_path) == [f"{path}:12: 'Dataset' is fuzzy", f"{path}:16: 'Missing' is not translated"]
