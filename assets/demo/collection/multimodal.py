"""Models that read pictures with text."""

from assets.demo.exhibits import Revision, exhibit
from assets.demo.formats import pictures
from assets.demo.recipes import perception

_ARCHITECTURE = "LlavaForConditionalGeneration"

EXHIBITS = (
    exhibit(
        "model", "jonas-weber/Kestrel-VL-8B",
        lambda: perception.picture_and_text("kestrel/1", architecture=_ARCHITECTURE, shards=2, hidden=80, layers=3) | {"samples/receipt.png": pictures.receipt("kestrel")},
        by="jonas-weber", day=82, downloads=2_140, upload="Add weights and processors", words="Write the card", tag="v1.0.0",
        more=(
            Revision("Train on several images per turn", "jonas-weber", 1, lambda: _second(), card="full", tag="v1.1.0"),
        ),
    ),
    exhibit(
        "model", "linwz/Spec-Sheet-VL", lambda: perception.picture_and_text("spec-sheet", architecture=_ARCHITECTURE, hidden=96, layers=2), by="linwz", day=11,
        public=False, upload="上传初版",
    ),
    exhibit(
        "model", "amara-okafor/DocParse-Mini", lambda: perception.picture_classifier("docparse", ("start", "end"), hidden=96, layers=3, picture=320)
        | {"samples/note.png": pictures.receipt("docparse")},
        by="amara-okafor", day=36, downloads=270, upload="Upload model", words="Write the card",
    ),
)  # fmt: skip


def _second() -> dict[str, bytes]:
    files = perception.picture_and_text("kestrel/2", architecture=_ARCHITECTURE, shards=2, hidden=80, layers=3)
    return {name: data for name, data in files.items() if name.endswith(".safetensors")}
