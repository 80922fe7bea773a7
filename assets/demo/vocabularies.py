"""Tokenizer files over a small vocabulary of our own."""

import json
import struct
from itertools import islice, product

_SPECIAL = ["<pad>", "<s>", "</s>", "<unk>", "<|im_start|>", "<|im_end|>", "<tool>", "</tool>"]
_BERT_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
_CHARACTERS = "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系气题活尔更别打女变四神总何电数安少报才结反受目太量再感建务做接必场件计管期市直德资命山金指克许统区保至队形社便空决治展马科司五基眼书非则听白却界达光放强即像难且权思王象完设式色路记南品住告类求据程北边死张该交规万取拉格望觉术领共确传师观清今切院让识候带导争运笔客服电机轴承报警异响故障维修安装调试配件质保模型训练推理数据集图像语音识别翻译检索向量"


def words(count: int, special: list[str]) -> list[str]:
    """Return `count` different tokens: `special`, bytes in print, Chinese characters, then syllables of Latin letters."""
    plain = [chr(code) for code in range(0x21, 0x7F)]
    syllables = ("".join(letters) for letters in product("bcdfghjklmnprstvwz", "aeiou", ["", "n", "r", "s", "t", "l", "ng"]))
    longer = ("▁" + "".join(letters) for letters in product("bcdfghjklmnprstvwz", "aeiou", "bcdfghjklmnprstvwz", ["", "a", "e", "o"]))
    out = list(dict.fromkeys([*special, *plain, *_CHARACTERS, *syllables, *islice(longer, count)]))
    return out[:count]


def _json(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()


def sentencepiece(tokens: list[str]) -> bytes:
    """Return a `tokenizer.model`: SentencePiece's protobuf message with one piece per token."""
    out = bytearray()
    for rank, token in enumerate(tokens):
        text = token.encode()
        piece = b"\x0a" + bytes([len(text)]) + text + b"\x15" + struct.pack("<f", -float(rank))
        if token in _SPECIAL:
            piece += b"\x18" + (b"\x02" if token == "<unk>" else b"\x03")
        out += b"\x0a" + bytes([len(piece)]) + piece
    return bytes(out)


def decoder_tokenizer(count: int, length: int) -> dict[str, bytes]:
    """Return the tokenizer files of a chat model with `count` tokens and a context of `length`."""
    tokens = words(count, _SPECIAL)
    places = {token: place for place, token in enumerate(tokens)}
    merges = [
        f"{token[0]} {token[1:]}" for token in tokens if len(token) > 1 and token.isalpha() and token[0] in places and token[1:] in places
    ]
    special = [
        {
            "id": places[token],
            "content": token,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": True,
        }
        for token in _SPECIAL
    ]
    template = (
        "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
    )
    model = {"type": "BPE", "unk_token": "<unk>", "byte_fallback": False, "vocab": places, "merges": merges}
    return {
        "tokenizer.json": _json({"version": "1.0", "added_tokens": special, "pre_tokenizer": {"type": "Metaspace", "replacement": "▁"}, "model": model}),
        "tokenizer_config.json": _json(
            {
                "bos_token": "<s>", "eos_token": "<|im_end|>", "pad_token": "<pad>", "unk_token": "<unk>", "chat_template": template,
                "clean_up_tokenization_spaces": False, "model_max_length": length, "tokenizer_class": "PreTrainedTokenizerFast",
            }
        ),
        "special_tokens_map.json": _json({"bos_token": "<s>", "eos_token": "<|im_end|>", "pad_token": "<pad>", "unk_token": "<unk>"}),
        "tokenizer.model": sentencepiece(tokens),
    }  # fmt: skip


def bert_tokenizer(count: int, length: int) -> dict[str, bytes]:
    """Return `vocab.txt` and the settings of a WordPiece tokenizer."""
    tokens = words(count, _BERT_SPECIAL)
    return {
        "vocab.txt": "".join(token + "\n" for token in tokens).encode(),
        "tokenizer_config.json": _json({"do_lower_case": False, "model_max_length": length, "tokenizer_class": "BertTokenizer"}),
        "special_tokens_map.json": _json(
            {"cls_token": "[CLS]", "mask_token": "[MASK]", "pad_token": "[PAD]", "sep_token": "[SEP]", "unk_token": "[UNK]"}
        ),
    }


def gguf_tokens(count: int) -> list[str]:
    """Return the tokens of `decoder_tokenizer(count, …)` in order."""
    return words(count, _SPECIAL)
