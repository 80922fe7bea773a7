"""The custom model and custom image specifications as pure functions over a listing of files and a reader.

Nothing here runs or imports what it reads, and knows rows, requests or settings; `wording` has the sentences.
"""

from toolchain.validator.examining import VERSION, examine, judged, unread, validate
from toolchain.validator.findings import Finding, Report
from toolchain.validator.verdicts import PURPOSES, Purpose, Support, Verdict, Verdicts, verdict

__all__ = [
    "PURPOSES", "VERSION", "Finding", "Purpose", "Report", "Support", "Verdict", "Verdicts", "examine", "judged", "unread", "validate",
    "verdict",
]  # fmt: skip
