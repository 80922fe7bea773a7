"""Makes tiny random models with tokenizers of their own, in seconds and without a network: `python tiny.py <kind> <folder>`.

Run by the interpreter of a base environment. Kinds: `llama` (0.2 M parameters, 256 positions), `bloom`, `falcon`, `mpt`, `bert` (0.1 M, 128 positions, for
questions about a text), `vit` (0.05 M, pictures of 32 x 32 pixels, two labels: red and blue).
"""

import json
import sys
from functools import partial
from pathlib import Path

PEOPLE = ["Anna", "Boris", "Clara", "David", "Emma", "Felix", "Greta", "Henri", "Ida", "Jonas"]
PLACES = ["Paris", "Rome", "Oslo", "Cairo", "Lima", "Delhi", "Tokyo", "Sofia", "Quito", "Minsk"]
THINGS = ["a red lamp", "an old map", "a small boat", "the blue door", "a clay pot", "the long rope"]
WORDS = "Where does live? What keep? lives in and keeps . : User Assistant It is The answer"


def sentences() -> list[str]:
    """Return the little world that the models are about: a hundred people, each with a place and a thing."""
    return [
        f"{person} lives in {place} and keeps {THINGS[(one + other) % len(THINGS)]}."
        for one, person in enumerate(PEOPLE)
        for other, place in enumerate(PLACES)
    ]


def texts() -> list[str]:
    """Return what the tokenizers are trained on."""
    questions = [f"User: Where does {person} live?\n\nAssistant: {person} lives in {place}." for person in PEOPLE for place in PLACES]
    return sentences() + questions + [WORDS] * 20


def writer(folder: Path, kind: str = "llama") -> None:
    """Write a model that continues texts, with a byte-level BPE tokenizer of at most 400 tokens."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=["<s>", "</s>"], initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(texts(), trainer)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>").save_pretrained(folder)
    torch.manual_seed(0)
    shape = {
        "llama": {
            "hidden_size": 64, "intermediate_size": 160, "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2,
            "max_position_embeddings": 256, "tie_word_embeddings": False,
        },
        "bloom": {"hidden_size": 64, "n_layer": 2, "n_head": 4},
        "falcon": {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "max_position_embeddings": 256},
        "mpt": {"d_model": 64, "n_layers": 2, "n_heads": 4, "max_seq_len": 256},
    }[kind]  # fmt: skip
    config = AutoConfig.for_model(kind, vocab_size=tokenizer.get_vocab_size(), bos_token_id=0, eos_token_id=1, **shape)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)


def bert(folder: Path) -> None:
    """Write a BERT with a WordPiece tokenizer."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import BertConfig, BertForQuestionAnswering, PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(texts(), trainers.WordPieceTrainer(vocab_size=300, special_tokens=special, show_progress=False))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", tokenizer.token_to_id("[CLS]")), ("[SEP]", tokenizer.token_to_id("[SEP]"))],
    )  # fmt: skip
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), special, strict=True))
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128,
        max_position_embeddings=128, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    BertForQuestionAnswering(config).save_pretrained(folder)


def vit(folder: Path) -> None:
    """Write a ViT that tells red pictures from blue ones, once it is trained."""
    import torch
    from transformers import ViTConfig, ViTForImageClassification

    torch.manual_seed(0)
    config = ViTConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, image_size=32, patch_size=8,
        id2label={0: "red", 1: "blue"}, label2id={"red": 0, "blue": 1},
    )  # fmt: skip
    ViTForImageClassification(config).save_pretrained(folder)
    # Written by hand, so that both base environments read it: their libraries name the class differently.
    processor = {
        "image_processor_type": "ViTImageProcessor", "do_resize": True, "size": {"height": 32, "width": 32}, "resample": 2,
        "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True, "image_mean": [0.5] * 3, "image_std": [0.5] * 3,
    }  # fmt: skip
    (folder / "preprocessor_config.json").write_text(json.dumps(processor, indent=2))


if __name__ == "__main__":
    target = Path(sys.argv[2])
    target.mkdir(parents=True, exist_ok=True)
    {"bert": bert, "vit": vit}.get(sys.argv[1], partial(writer, kind=sys.argv[1]))(target)
