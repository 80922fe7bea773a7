"""Language models: chat, code, adapters, encoders, embeddings, translation."""

from typing import Any

from assets.demo import architectures, vocabularies
from assets.demo.formats import gguf, safetensors
from assets.demo.formats.tables import encode_json
from assets.demo.recipes import Files


def decoder_config(
    *, hidden: int = 96, layers: int = 3, inner: int = 256, vocab: int = 1536, length: int = 8192, tied: bool = False, stretch: float = 0
) -> dict[str, Any]:
    """Return a `config.json` that agrees with `architectures.decoder`; `stretch` adds YaRN scaling by that factor."""
    heads = hidden // 16
    config: dict[str, Any] = {
        "architectures": ["LlamaForCausalLM"], "attention_bias": False, "bos_token_id": 1, "eos_token_id": 5, "head_dim": 16, "hidden_act": "silu",
        "hidden_size": hidden, "initializer_range": 0.02, "intermediate_size": inner, "max_position_embeddings": length, "model_type": "llama",
        "num_attention_heads": heads, "num_hidden_layers": layers, "num_key_value_heads": heads // 2, "pad_token_id": 0, "rms_norm_eps": 1e-05,
        "rope_theta": 1000000.0, "tie_word_embeddings": tied, "torch_dtype": "bfloat16", "use_cache": True, "vocab_size": vocab,
    }  # fmt: skip
    if stretch:
        config["rope_scaling"] = {"factor": stretch, "original_max_position_embeddings": int(length / stretch), "rope_type": "yarn"}
    return dict(sorted(config.items()))


def weights(seed: str, config: dict[str, Any], shards: int = 1) -> Files:
    """Return the safetensors file or files of a decoder."""
    tensors = architectures.decoder(config)
    return safetensors.encode_shards(tensors, seed, shards) if shards > 1 else {"model.safetensors": safetensors.encode(tensors, seed)}


def decoder(seed: str, *, shards: int = 1, temperature: float = 0.7, **shape: Any) -> Files:
    """Return a decoder-only model with its tokenizer. `shape` goes to `decoder_config`."""
    config = decoder_config(**shape)
    generation = {
        "bos_token_id": 1,
        "do_sample": True,
        "eos_token_id": [2, 5],
        "max_new_tokens": 1024,
        "pad_token_id": 0,
        "temperature": temperature,
        "top_p": 0.8,
    }
    files = {"config.json": encode_json(config), "generation_config.json": encode_json(generation)}
    return files | vocabularies.decoder_tokenizer(config["vocab_size"], config["max_position_embeddings"]) | weights(seed, config, shards)


def gguf_models(seed: str, name: str, kinds: tuple[str, ...], licence: str, **shape: Any) -> Files:
    """Return the model as one GGUF file per quantisation."""
    config = decoder_config(**shape)
    metadata: dict[str, object] = {
        "general.architecture": "llama", "general.name": name, "general.license": licence, "general.quantization_version": 2,
        "llama.context_length": config["max_position_embeddings"], "llama.embedding_length": config["hidden_size"],
        "llama.block_count": config["num_hidden_layers"], "llama.feed_forward_length": config["intermediate_size"],
        "llama.attention.head_count": config["num_attention_heads"], "llama.attention.head_count_kv": config["num_key_value_heads"],
        "llama.attention.layer_norm_rms_epsilon": 1e-5, "llama.rope.freq_base": 1000000.0, "llama.rope.dimension_count": 16,
        "tokenizer.ggml.model": "llama", "tokenizer.ggml.tokens": vocabularies.gguf_tokens(config["vocab_size"]),
        "tokenizer.ggml.bos_token_id": 1, "tokenizer.ggml.eos_token_id": 5, "tokenizer.ggml.add_bos_token": True,
    }  # fmt: skip
    tensors = architectures.llama_cpp(config)
    return {f"{name}-{kind}.gguf": gguf.encode(tensors, metadata, kind, seed) for kind in kinds}


def adapter(seed: str, base: str, *, rank: int = 16, **shape: Any) -> Files:
    """Return a low-rank adapter of `base` as PEFT stores it."""
    config = {
        "base_model_name_or_path": base, "bias": "none", "inference_mode": True, "lora_alpha": rank * 2, "lora_dropout": 0.05, "peft_type": "LORA",
        "r": rank, "target_modules": ["q_proj", "v_proj"], "task_type": "CAUSAL_LM",
    }  # fmt: skip
    tensors = architectures.lora(decoder_config(**shape), rank)
    return {"adapter_config.json": encode_json(config), "adapter_model.safetensors": safetensors.encode(tensors, seed)}


def encoder(seed: str, *, head: str = "", labels: tuple[str, ...] = (), hidden: int = 80, layers: int = 3, length: int = 512) -> Files:
    """Return a BERT-like model; `head` as in `architectures.bert`, `labels` its classes."""
    name = {
        "": "BertModel",
        "mlm": "BertForMaskedLM",
        "qa_outputs": "BertForQuestionAnswering",
        "classifier": "BertForSequenceClassification",
    }[head]
    if labels and labels[0] == "O":
        name = "BertForTokenClassification"
    config: dict[str, Any] = {
        "architectures": [name], "attention_probs_dropout_prob": 0.1, "hidden_act": "gelu", "hidden_size": hidden, "intermediate_size": hidden * 4,
        "layer_norm_eps": 1e-12, "max_position_embeddings": length, "model_type": "bert", "num_attention_heads": hidden // 16,
        "num_hidden_layers": layers, "pad_token_id": 0, "type_vocab_size": 2, "vocab_size": 1536,
    }  # fmt: skip
    if labels:
        config |= {"id2label": {str(i): label for i, label in enumerate(labels)}, "label2id": {label: i for i, label in enumerate(labels)}}
    tensors = architectures.bert(config, head)
    return {"config.json": encode_json(config), "model.safetensors": safetensors.encode(tensors, seed)} | vocabularies.bert_tokenizer(
        1536, length
    )


def embedder(seed: str, *, hidden: int = 80, layers: int = 3, length: int = 512) -> Files:
    """Return a sentence encoder with mean pooling, laid out as Sentence Transformers expects it."""
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
        {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
    ]
    pooling = {"word_embedding_dimension": hidden, "pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}
    prompts = {"prompts": {"query": "为检索生成向量：", "document": ""}, "similarity_fn_name": "cosine"}
    return encoder(seed, hidden=hidden, layers=layers, length=length) | {
        "modules.json": encode_json(modules),
        "1_Pooling/config.json": encode_json(pooling),
        "sentence_bert_config.json": encode_json({"max_seq_length": length, "do_lower_case": False}),
        "config_sentence_transformers.json": encode_json(prompts),
    }


def sequence_to_sequence(seed: str, *, architecture: str, hidden: int = 80, layers: int = 3) -> Files:
    """Return an encoder-decoder for text: `MarianMTModel` or `BartForConditionalGeneration`."""
    config = {
        "architectures": [architecture], "activation_function": "gelu", "bos_token_id": 1, "d_model": hidden, "decoder_attention_heads": hidden // 16,
        "decoder_ffn_dim": hidden * 4, "decoder_layers": layers, "decoder_start_token_id": 0, "encoder_attention_heads": hidden // 16,
        "encoder_ffn_dim": hidden * 4, "encoder_layers": layers, "eos_token_id": 2, "is_encoder_decoder": True, "max_position_embeddings": 1024,
        "model_type": "marian" if architecture.startswith("Marian") else "bart", "pad_token_id": 0, "torch_dtype": "float16", "vocab_size": 1536,
    }  # fmt: skip
    tokens = vocabularies.gguf_tokens(1536)
    generation = {"decoder_start_token_id": 0, "eos_token_id": 2, "max_length": 512, "num_beams": 4, "length_penalty": 1.0}
    return {
        "config.json": encode_json(config),
        "generation_config.json": encode_json(generation),
        "model.safetensors": safetensors.encode(architectures.encoder_decoder(config), seed),
        "source.spm": vocabularies.sentencepiece(tokens),
        "target.spm": vocabularies.sentencepiece(tokens),
        "vocab.json": encode_json({token: place for place, token in enumerate(tokens)}),
        "tokenizer_config.json": encode_json(
            {"model_max_length": 1024, "source_lang": "zh", "target_lang": "en", "separate_vocabs": False}
        ),
    }
