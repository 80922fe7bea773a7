"""`manage.py validate PATH`: holds a folder against the specifications of custom models and images, without a database."""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError
from django.utils import translation
from django.utils.translation import gettext as _

from inspection.files import Unreadable
from toolchain.serializers import finding_data, verdict_data
from toolchain.steps import examine_confined
from toolchain.validator import Report, Verdicts, judged, verdict
from toolchain.validator.disk import files_of
from toolchain.validator.examining import wanted
from toolchain.validator.wording import CODE_NAMES, PURPOSE_NAMES, SEVERITY_NAMES, sentence, summary

BAD_PATH = 2


class Command(BaseCommand):
    help = "Holds a folder against the custom model specification. Exit status: 0 without errors, 1 with errors, 2 for a path that is no folder."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", help="Folder with the files of a model.")
        parser.add_argument("--format", choices=["text", "json"], default="text", help="Form of the output (default: text).")
        parser.add_argument("--language", choices=["en", "zh-hans"], default="en", help="Language of the sentences (default: en).")
        parser.add_argument("--task", default="", help="Code of the model's task, such as text-generation; the verdicts depend on it.")

    def handle(self, *args: Any, path: str, format: str, language: str, task: str, **options: Any) -> None:
        report = judged(Report.from_dict(_examined(path)), settings.IMAGE_REGISTRIES)
        found = verdict(report, task=task)
        with translation.override(language):
            self.stdout.write(_as_json(path, report, found) if format == "json" else _as_text(report, found))
        if report.errors:
            sys.exit(1)


def _examined(path: str) -> dict[str, Any]:
    try:
        found = files_of(Path(path))
    except (OSError, ValueError) as error:
        raise CommandError(f"“{path}” is not a folder that can be read.", returncode=BAD_PATH) from error
    except Unreadable as error:
        raise CommandError(f"“{path}” holds more than a model may: {error.code}.", returncode=BAD_PATH) from error
    readable = [file for file in found.files if file.path not in found.refused and wanted(file.path, file.size)]
    return examine_confined([(file.path, file.size) for file in found.files], readable, found.refused)


def _as_json(path: str, report: Report, found: Verdicts) -> str:
    said = {
        "path": path,
        "error_count": report.errors,
        "warning_count": report.warnings,
        "dropped": report.dropped,
        "verdicts": {purpose: verdict_data(purpose, each) for purpose, each in found.items()},
        "findings": [finding_data(finding) for finding in report.findings],
    }
    return json.dumps(said, ensure_ascii=False, indent=2)


def _as_text(report: Report, found: Verdicts) -> str:
    lines = []
    for finding in report.findings:
        place = (finding.path or ".") + (f":{finding.line}" if finding.line else "")
        lines.append(f"{place}: {SEVERITY_NAMES[finding.severity]} {finding.code}: {sentence(finding)}")
    if lines:
        lines.append("")
    for purpose, each in found.items():
        words = {"purpose": PURPOSE_NAMES[purpose], "verdict": CODE_NAMES[each.code], "summary": summary(purpose, each)}
        lines.append(_("%(purpose)s: %(verdict)s. %(summary)s") % words)
        lines += [f"  {reason.code}: {sentence(reason)}" for reason in each.reasons if reason not in report.findings]
    return "\n".join(lines)
