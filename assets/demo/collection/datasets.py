"""Datasets."""

from functools import cache

from assets.demo.exhibits import Exhibit, Revision, exhibit
from assets.demo.formats import notebooks
from assets.demo.formats.tables import (
    encode_csv,
    encode_json,
    encode_jsonl,
    encode_parquet,
)
from assets.demo.recipes import Files, dialogues, measurements
from assets.demo.recipes.dialogues import Rows


@cache
def _support() -> Rows:
    return dialogues.support("customer-care", 2_700)


def _customer_care() -> Files:
    rows = _support()[:2_400]
    hard = [row for row in rows if isinstance(row["csat"], float) and row["csat"] <= 3]
    return {
        "data/train-00000-of-00002.parquet": encode_parquet(rows[:1_080]),
        "data/train-00001-of-00002.parquet": encode_parquet(rows[1_080:2_160]),
        "data/validation.parquet": encode_parquet(rows[2_160:2_280]),
        "data/test.parquet": encode_parquet(rows[2_280:]),
        "hard/test.jsonl": encode_jsonl(hard),
        "hard/test.parquet": encode_parquet(hard),
    }


def _instructions() -> Files:
    rows = dialogues.instructions("instruct", 2_400)
    return {f"data/part-{part}.parquet": encode_parquet(rows[part * 600 : (part + 1) * 600]) for part in range(4)}


def _evaluation() -> Files:
    service = [
        {"id": number, "question": str(row["dialogue"]).split("\n")[0].removeprefix("用户："), "scene": row["scene"]}
        for number, row in enumerate(_support()[:240], 1)
    ]
    knowledge = [
        {"id": number, "question": row["question"], "answer": row["answer"]}
        for number, row in enumerate(dialogues.policies("eval", 300), 1)
    ]
    tools = [
        {
            "id": number,
            "request": f"查询 {6200 + number % 12} 轴承在{city}的库存",
            "call": {"name": "stock", "arguments": {"model": str(6200 + number % 12), "city": city}},
        }
        for number, city in enumerate(["上海", "苏州", "杭州", "宁波"] * 15, 1)
    ]
    cells = [
        ("markdown", "# 运行评测\n\n先部署模型服务，再把地址填到下面。"),
        (
            "code",
            "import json\nfrom pathlib import Path\n\nquestions = [json.loads(line) for line in Path('service.jsonl').read_text().splitlines()]\nprint(len(questions))",
            "240",
        ),
    ]
    return {
        "service.jsonl": encode_jsonl(service),
        "knowledge.csv": encode_csv(knowledge),
        "tools.json": encode_json(tools),
        "run.ipynb": notebooks.encode(cells),
    }


def _load() -> Files:
    rows = measurements.load("grid", 365)
    return {"grid.parquet": encode_parquet(rows), "grid.csv": encode_csv(rows[: 60 * 24 * 3])}


def _spindle() -> Files:
    rows = [
        row | {"alarm": f"E{200 + number % 9}", "device": f"YL-{700 + number % 5}"}
        for number, row in enumerate(_support())
        if row["scene"] == "故障报修"
    ][:400]
    return {"tickets.jsonl": encode_jsonl(rows)}


EXHIBITS = (
    Exhibit(
        "dataset", "yunling", "CustomerCare-zh-120k",
        (
            Revision("上传 2024–2025 年对话", "linwz", 140, _customer_care, card="draft"),
            Revision("补充字段说明与划分", "linwz", 138, card="early", tag="v1.0.0"),
            Revision("添加可直接微调的格式", "chenjiahe", 60, lambda: {"messages/train.jsonl": encode_jsonl(dialogues.messages(_support()[:800]))}),
            Revision("补充 2026 年数据", "linwz", 5, lambda: {"data/train-2026.parquet": encode_parquet(_support()[2_400:])}, card="full", tag="v1.1.0"),
        ),
        downloads=280,
    ),
    exhibit(
        "dataset", "yunling/Bearing-Defect-30k", lambda: measurements.defects("bearing-defect", 16, 4), by="linwz", day=80, downloads=170, upload="上传图像与标签表",
        tag="v1.0.0", more=(Revision("说明相机与光源", "hezhiyuan", 2, lambda: {"docs/camera.md": "# 采集条件\n\n- 相机：500 万像素黑白\n- 光源：环形，白色\n- 曝光：180 微秒\n".encode()}),),
    ),
    exhibit("dataset", "yunling/PCB-Boards-Seg", lambda: measurements.boards("pcb", 24), by="jonas-weber", day=42, downloads=33, upload="Add images and masks"),
    exhibit(
        "dataset", "chenjiahe/Jiangnan-Dialects", lambda: measurements.dialects("jiangnan", 8), by="chenjiahe", day=110, downloads=130, upload="上传四种方言", tag="v1.0.0",
    ),
    exhibit("dataset", "linwz/Bearing-Sound-Clips", lambda: measurements.bearings("bearing-clips", 8), by="linwz", day=115, downloads=44, upload="上传录音"),
    exhibit(
        "dataset", "amara-okafor/Clinical-QA-Bilingual",
        lambda: {"train.jsonl": encode_jsonl(dialogues.clinic("clinic", 900)), "test.jsonl": encode_jsonl(dialogues.clinic("clinic/test", 100))},
        by="amara-okafor", day=64, downloads=59, upload="Add reviewed questions", words="Describe the fields",
    ),
    exhibit("dataset", "yunhe-lab/Policy-QA-zh", lambda: {"policy.json": encode_json(dialogues.policies("policy", 500))}, by="amara-okafor", day=54, downloads=44, upload="上传问答"),
    exhibit("dataset", "yunhe-lab/Instruct-Mix-zh-en", _instructions, by="hezhiyuan", day=160, downloads=310, upload="上传四个分片", editor="amara-okafor", tag="v1.0.0"),
    exhibit("dataset", "yunhe-lab/Yunhe-Eval-Suite", _evaluation, by="amara-okafor", day=97, downloads=88, upload="公开评测题"),
    exhibit("dataset", "hezhiyuan/Grid-Load-Hourly", _load, by="hezhiyuan", day=101, downloads=77, upload="上传全年负荷"),
    exhibit(
        "dataset", "hezhiyuan/Retail-Sales-Daily", lambda: {"sales.csv": encode_csv(measurements.sales("retail", 365)), "sales.parquet": encode_parquet(measurements.sales("retail", 365))},
        by="hezhiyuan", day=103, downloads=92, upload="上传销量表",
    ),
    exhibit(
        "dataset", "jonas-weber/Code-Review-Pairs", lambda: {"pairs.jsonl": encode_jsonl(dialogues.reviews("reviews", 1_500))}, by="jonas-weber", day=86, downloads=145,
        upload="Add 1,500 pairs", words="Explain rejected pairs",
    ),
    exhibit("dataset", "chenjiahe/Ink-Painting-Tiles", lambda: measurements.paintings("ink", 24), by="chenjiahe", day=93, downloads=64, upload="上传图块与说明"),
    exhibit(
        "dataset", "amara-okafor/Parallel-Patents-zh-en", lambda: {"patents.tsv": encode_csv(dialogues.patents("patents", 1_800), "\t")}, by="amara-okafor", day=89,
        downloads=51, upload="Add sentence pairs", words="Describe the columns",
    ),
    exhibit("dataset", "amara-okafor/Receipt-Scans", lambda: measurements.slips("slips", 24), by="amara-okafor", day=68, downloads=70, upload="Add scans", words="Write the card"),
    exhibit("dataset", "linwz/Spindle-Tickets", _spindle, by="linwz", day=14, public=False, upload="导入工单"),
)  # fmt: skip
