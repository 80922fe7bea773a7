from pathlib import Path

from django.conf import settings
from django.core.management import call_command

from portal.env import VARIABLES
from portal.management.commands.configuration import reference


def test_reference_is_up_to_date() -> None:
    written = (Path(settings.BASE_DIR) / "docs" / "reference" / "configuration.md").read_text()

    assert written == reference(), "run: manage.py configuration > docs/reference/configuration.md"


def test_every_variable_is_explained() -> None:
    assert [name for name, variable in VARIABLES.items() if not variable.help.endswith(".")] == []


def test_only_settings_read_the_environment() -> None:
    readers = [
        str(path.relative_to(settings.BASE_DIR))
        for path in Path(settings.BASE_DIR).glob("*/**/*.py")
        if not {".venv", "tests", "benchmarks"} & set(path.parts)
        # What runs in a sandbox, or on another machine, is told by its environment, and knows no settings.
        and not path.relative_to(settings.BASE_DIR).is_relative_to("toolchain/runners")
        and not path.relative_to(settings.BASE_DIR).is_relative_to("toolchain/trainer/builtin")
        and not path.relative_to(settings.BASE_DIR).is_relative_to("toolchain/inference/serving")
        and ("os.environ[" in path.read_text() or "os.getenv" in path.read_text())
    ]

    assert sorted(readers) == ["portal/management/commands/up.py"]


def test_command_prints_the_reference(capsys: object) -> None:
    call_command("configuration")

    assert capsys.readouterr().out == reference()  # type: ignore[attr-defined]
