"""Who may see and use what in the demo, and who asked for it."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Request:
    """An application `day` days before the load. `outcome` is empty for one that waits, else `approved`, `declined` or `asked`."""

    by: str
    day: int
    reason: str
    outcome: str = ""
    answers: dict[str, Any] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class Access:
    """How an asset is published. `terms` as `assets.services.set_terms` takes them; `audience` are handles that alone see it."""

    on_application: bool = False
    audience: tuple[str, ...] = ()
    terms: dict[str, Any] = field(default_factory=dict)
    approvers: tuple[str, ...] = ()
    requests: tuple[Request, ...] = ()


def _question(key: str, label: str, kind: str, *choices: str, required: bool = True) -> dict[str, Any]:
    return {"id": key, "label": label, "kind": kind, "required": required, "choices": list(choices)}


ACCESS = {
    "yunhe-lab/Luoshu-OCR-v3": Access(
        on_application=True,
        terms={
            "questions": [
                _question("use", "用在什么业务里", "long"),
                _question("scale", "每天大约识别多少页", "choice", "1 千页以内", "1 千到 10 万页", "10 万页以上"),
            ],
            "agreement": "只用于申请时写明的业务。不把权重转给第三方。发现识别结果泄露个人信息时，两天内告知云鹤实验室。",
            "grant_days": 365,
        },
        approvers=("linwz",),
        requests=(
            Request("jonas-weber", 1, "Comparing OCR for a reader of scanned code listings.", answers={"use": "An open benchmark of OCR on listings; results are published.", "scale": "1 千页以内"}),
        ),
    ),
    "linwz/Bearing-Sound-AST": Access(
        on_application=True,
        terms={"questions": [_question("where", "装在哪条产线、什么设备上", "text")], "grant_days": 180},
        requests=(
            Request("hezhiyuan", 30, "想拿来做时间序列的对照实验。", "declined", {"where": "没有产线，离线实验"}, "先用公开的 Pump-Anomaly；这份权重只给有现场数据的团队。"),
            Request("chenjiahe", 20, "和方言录音一起做降噪预训练。", "approved", {"where": "实验室录音棚"}),
            Request("amara-okafor", 2, "Checking the card's claims for our evaluation suite.", answers={"where": "Evaluation server, no line"}),
            Request("jonas-weber", 0, "Porting it to a small board that listens to a fan.", answers={"where": "Raspberry Pi on a test fan"}),
        ),
    ),
    "chenjiahe/Tingquan-ASR-zh": Access(
        on_application=True,
        terms={"agreement": "不用于监听和身份识别。", "grant_days": 90},
        requests=(
            Request("linwz", 85, "售后电话转写，先在一条热线上试。", "approved"),
            Request("amara-okafor", 3, "Word error rates for the bilingual evaluation."),
        ),
    ),
    "amara-okafor/Clinical-QA-Bilingual": Access(
        on_application=True,
        terms={
            "questions": [_question("ethics", "Number of your ethics approval", "text", required=False)],
            "agreement": "Do not try to find out who wrote a question. Do not give medical advice with a model trained on it.",
            "grant_days": 180,
        },
        requests=(
            Request("chenjiahe", 12, "想做医学问答的语音版。", "declined", note="Voices would make people recognisable. Ask again with a plan for that."),
            Request("linwz", 4, "给售后机器人加一道医疗问题的拦截。", "asked", note="Which model would be trained, and who could use it?"),
        ),
    ),
    "linwz/Ticket-Router-1B": Access(audience=("yunling",)),
}  # fmt: skip

REJECTED = {"linwz/Load-Forecast-h24": "README 里的截图能看出变电站的位置。请遮住后重新提交，文件都还在。"}
"""Submissions that a reviewer turned down, with the reason."""

FEATURED = {"chenjiahe/Danqing-XL", "yunhe-lab/Songlan-Embed-Large", "yunling/Bearing-Defect-30k", "jonas-weber/Harbor-Code-3B"}
COMMERCIAL = {"chenjiahe/Danqing-XL"}
