"""Models that write, translate and classify text."""

from typing import Any

from assets.demo.exhibits import Exhibit, Revision, exhibit
from assets.demo.formats import notebooks, pictures
from assets.demo.formats.tables import encode_json
from assets.demo.recipes import Files, text, training
from assets.demo.vocabularies import decoder_tokenizer

_LARGE: dict[str, Any] = {"hidden": 128, "layers": 4, "inner": 352, "vocab": 2048}
_LONG = _LARGE | {"length": 32_768, "stretch": 4.0}
_PREVIEW: dict[str, Any] = {"hidden": 96, "layers": 4, "length": 32_768, "stretch": 4.0}
_ADAPTED: dict[str, Any] = {"hidden": 128, "layers": 4}


def _longer_context() -> Files:
    config = text.decoder_config(**_LONG)
    return {"config.json": encode_json(config)} | {
        name: data for name, data in decoder_tokenizer(2048, 32_768).items() if name == "tokenizer_config.json"
    }


def _support_notebook() -> Files:
    cells = [
        ("markdown", "# 售后助手评测\n\n在 600 个留出的对话上比较适配器与基座。"),
        ("code", "import pandas as pd\n\nresults = pd.read_json('results.jsonl', lines=True)\nlen(results)", "600"),
        (
            "code",
            "print(results.groupby('model')['resolved'].mean().round(2))",
            "model\nYunhe-7B-Chat       0.61\nYunhe-7B-Support    0.74\nName: resolved, dtype: float64",
        ),
        ("markdown", "适配器的回答更短，**一次解决率**提高 13 个百分点。"),
    ]
    return {"notebooks/evaluation.ipynb": notebooks.encode(cells)}


_CHAT = Exhibit(
    "model", "yunhe-lab", "Yunhe-7B-Chat",
    (
        Revision("上传 v1.0.0 权重与分词器", "hezhiyuan", 96, lambda: text.decoder("yunhe-7b-chat/1.0", shards=4, **_LARGE), card="draft"),
        Revision("添加 LoRA 训练脚本", "hezhiyuan", 94, lambda: training.train_folder("text", rank=8)),
        Revision("Write the model card", "amara-okafor", 92, lambda: {"assets/loss.png": pictures.curve("yunhe/1.0", 2.4, 0.92)}, card="early", tag="v1.0.0"),
        Revision("扩展到 32K 上下文", "hezhiyuan", 44, _longer_context),
        Revision("Describe the longer context", "amara-okafor", 43, lambda: {"CHANGELOG.md": _changes(1)}, tag="v1.1.0"),
        Revision("LoRA 默认秩改为 16", "chenjiahe", 21, lambda: {"gallery_train/train_params.json": training.train_params("text", rank=16)}),
        Revision("v1.2.0 权重", "hezhiyuan", 4, lambda: text.weights("yunhe-7b-chat/1.2", text.decoder_config(**_LONG), 4)),
        Revision("更新训练曲线", "amara-okafor", 4, lambda: {"assets/loss.png": pictures.curve("yunhe/1.2", 2.4, 0.81), "CHANGELOG.md": _changes(2)}),
        Revision("补充昇腾推理脚本与 32K 长上下文评测", "hezhiyuan", 3, lambda: training.inference_folder("text"), card="full", tag="v1.2.0"),
        Revision("4 位量化", "amara-okafor", 2, lambda: text.gguf_models("yunhe-7b-chat/1.2", "Yunhe-7B-Chat", ("Q4_0",), "apache-2.0", **_LONG), branch="int4"),
    ),
    downloads=4_300,
)  # fmt: skip


def _changes(count: int) -> bytes:
    entries = ["## v1.1.0\n\n- 上下文由 8K 扩展到 32K（YaRN，4 倍）\n", "## v1.2.0\n\n- 工具调用数据翻倍\n- 补充昇腾推理脚本\n"]
    return ("# 变更记录\n\n" + "\n".join(reversed(entries[:count]))).encode()


_ROUTES = ("机械", "电气", "软件", "配件", "商务", "其他")
_STEPS = ("1", "2", "3", "4", "5")
_TAGS = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC", "B-MODEL", "I-MODEL", "B-ALARM", "I-ALARM")

EXHIBITS = (
    exhibit(
        "model", "yunhe-lab/Yunhe-7B", lambda: text.decoder("yunhe-7b", shards=2, **_LARGE), by="hezhiyuan", day=150, downloads=960, tag="v1.0.0",
        more=(Revision("修正分词器的结束符", "chenjiahe", 61, lambda: {"generation_config.json": encode_json({"bos_token_id": 1, "eos_token_id": [2, 5], "pad_token_id": 0})}),),
    ),
    _CHAT,
    exhibit(
        "model", "yunhe-lab/Yunhe-7B-Chat-GGUF",
        lambda: text.gguf_models("yunhe-7b-chat/1.2", "Yunhe-7B-Chat", ("F16", "Q8_0", "Q4_0"), "apache-2.0", hidden=96, layers=3, length=32_768),
        by="chenjiahe", day=3, downloads=2_150, upload="由 v1.2.0 转换",
    ),
    exhibit("model", "yunhe-lab/Yunhe-1B-Chat", lambda: text.decoder("yunhe-1b", hidden=64, layers=3, inner=176, tied=True), by="hezhiyuan", day=70, downloads=780),
    exhibit(
        "model", "yunhe-lab/Yunhe-14B-Preview", lambda: text.decoder("yunhe-14b/30", shards=3, **_PREVIEW), by="hezhiyuan", day=26, public=False, upload="第 30 周检查点",
        more=(Revision("第 31 周检查点", "hezhiyuan", 12, lambda: text.weights("yunhe-14b/31", text.decoder_config(**_PREVIEW), 3)),),
    ),
    exhibit(
        "model", "linwz/Yunhe-7B-Support", lambda: text.adapter("support", "yunhe-lab/Yunhe-7B-Chat", **_ADAPTED), by="linwz", day=34, downloads=140,
        upload="上传 LoRA 适配器", more=(Revision("添加评测笔记本", "linwz", 20, _support_notebook, tag="v1.0.0"),),
    ),
    exhibit(
        "model", "linwz/Yunhe-7B-Spindle", lambda: text.adapter("spindle", "yunhe-lab/Yunhe-7B-Chat", rank=8, **_ADAPTED), by="linwz", day=9, public=False,
        upload="上传适配器",
    ),
    exhibit(
        "model", "linwz/Ticket-Router-1B",
        lambda: text.encoder("router", head="classifier", labels=_ROUTES, layers=3) | training.train_folder("text") | training.inference_folder("text"),
        by="linwz", day=25, downloads=136, tag="v1.0.0",
    ),
    exhibit(
        "model", "jonas-weber/Harbor-Code-3B", lambda: text.decoder("harbor/1.0", shards=2, hidden=96, layers=4, inner=256, temperature=0.2),
        by="jonas-weber", day=130, downloads=5_050, upload="Add weights and tokenizer", words="Write the card", tag="v1.0.0",
        more=(
            Revision("Retrain on 92 languages", "jonas-weber", 38, lambda: text.weights("harbor/1.1", text.decoder_config(hidden=96, layers=4, inner=256), 2), tag="v1.1.0"),
            Revision("Lower the default temperature", "jonas-weber", 4, lambda: {"generation_config.json": encode_json({"do_sample": True, "eos_token_id": [2, 5], "temperature": 0.1})}),
        ),
    ),
    exhibit(
        "model", "jonas-weber/Harbor-Code-3B-GGUF", lambda: text.gguf_models("harbor/1.1", "Harbor-Code-3B", ("Q8_0", "Q4_0"), "apache-2.0", hidden=96, layers=3),
        by="jonas-weber", day=37, downloads=1_240, upload="Convert v1.1.0", words="Explain the two sizes",
    ),
    exhibit(
        "model", "amara-okafor/Handing-Translate-zh-en", lambda: text.sequence_to_sequence("handing", architecture="MarianMTModel"), by="amara-okafor", day=88,
        downloads=880, upload="Upload model", words="Add scores / 补充评测",
        more=(Revision("Shorter beams", "amara-okafor", 15, lambda: {"generation_config.json": encode_json({"decoder_start_token_id": 0, "max_length": 512, "num_beams": 2})}),),
    ),
    exhibit("model", "chenjiahe/Qingjian-Summarise", lambda: text.sequence_to_sequence("qingjian", architecture="BartForConditionalGeneration", layers=2), by="chenjiahe", day=56, downloads=210),
    exhibit(
        "model", "yunling/Manual-QA-Base", lambda: text.encoder("manual", head="qa_outputs", hidden=80) | training.train_folder("text"), by="hezhiyuan", day=47,
        editor="linwz", downloads=95,
    ),
    exhibit("model", "chenjiahe/Ziyan-NER-zh", lambda: text.encoder("ziyan", head="classifier", labels=_TAGS, hidden=80), by="chenjiahe", day=66, downloads=320),
    exhibit(
        "model", "amara-okafor/Review-Tone-zh", lambda: text.encoder("tone", head="classifier", labels=_STEPS, hidden=64, layers=3), by="amara-okafor", day=52,
        downloads=175, upload="Upload model", words="Write the card",
    ),
    exhibit("model", "yunhe-lab/Mobai-BERT", lambda: text.encoder("mobai", head="mlm"), by="hezhiyuan", day=210, editor="amara-okafor", downloads=640, tag="v1.0.0"),
)  # fmt: skip
