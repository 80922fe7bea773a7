"""Models that see and hear, and pictures from text."""

from typing import Any

from assets.demo import architectures, vocabularies
from assets.demo.formats import safetensors
from assets.demo.formats.tables import encode_json
from assets.demo.recipes import Files
from assets.demo.recipes.text import decoder_config


def _classes(labels: tuple[str, ...]) -> dict[str, Any]:
    return (
        {"id2label": {str(i): label for i, label in enumerate(labels)}, "label2id": {label: i for i, label in enumerate(labels)}}
        if labels
        else {}
    )


def _transformer(
    architecture: str, model_type: str, hidden: int, layers: int, picture: int, patch: int, labels: tuple[str, ...]
) -> dict[str, Any]:
    return {
        "architectures": [architecture], "hidden_act": "gelu", "hidden_size": hidden, "image_size": picture, "intermediate_size": hidden * 4,
        "layer_norm_eps": 1e-12, "model_type": model_type, "num_attention_heads": hidden // 16, "num_channels": 3, "num_hidden_layers": layers,
        "patch_size": patch, "qkv_bias": True,
    } | _classes(labels)  # fmt: skip


def speech_recogniser(seed: str, *, hidden: int = 80, layers: int = 3, languages: tuple[str, ...] = ("zh", "en")) -> Files:
    """Return an encoder-decoder over mel spectrograms with its tokenizer and feature settings."""
    config = {
        "architectures": ["WhisperForConditionalGeneration"], "d_model": hidden, "decoder_attention_heads": hidden // 16, "decoder_ffn_dim": hidden * 4,
        "decoder_layers": layers, "encoder_attention_heads": hidden // 16, "encoder_ffn_dim": hidden * 4, "encoder_layers": layers,
        "max_source_positions": 1500, "max_target_positions": 448, "model_type": "whisper", "num_mel_bins": 80, "torch_dtype": "float16", "vocab_size": 1536,
    }  # fmt: skip
    features = {
        "chunk_length": 30,
        "feature_extractor_type": "WhisperFeatureExtractor",
        "feature_size": 80,
        "hop_length": 160,
        "n_fft": 400,
        "sampling_rate": 16000,
    }
    return {
        "config.json": encode_json(config),
        "preprocessor_config.json": encode_json(features),
        "generation_config.json": encode_json({"max_length": 448, "return_timestamps": True, "languages": list(languages)}),
        "model.safetensors": safetensors.encode(architectures.encoder_decoder(config, sound=True), seed),
    } | vocabularies.decoder_tokenizer(1536, 448)


def speech_synthesiser(seed: str, speakers: tuple[str, ...]) -> Files:
    """Return an acoustic model and a vocoder with a table of speakers."""
    acoustic = {"d_model": 64, "encoder_ffn_dim": 256, "encoder_layers": 3, "decoder_layers": 3, "vocab_size": 256, "num_mel_bins": 80}
    vocoder = {"num_channels": 80, "widths": [96, 64, 48, 32], "depth": 2, "outputs": 1}
    return {
        "config.json": encode_json(acoustic | {"model_type": "qingying_tts", "sampling_rate": 24000, "speakers": list(speakers)}),
        "speakers.json": encode_json({speaker: place for place, speaker in enumerate(speakers)}),
        "acoustic.safetensors": safetensors.encode(architectures.encoder_decoder(acoustic), f"{seed}/acoustic"),
        "vocoder.safetensors": safetensors.encode(architectures.convolutions(vocoder), f"{seed}/vocoder"),
    }


def sound_classifier(seed: str, labels: tuple[str, ...], *, hidden: int = 96, layers: int = 4) -> Files:
    """Return a transformer over spectrogram patches."""
    config = _transformer("ASTForAudioClassification", "audio-spectrogram-transformer", hidden, layers, 128, 16, labels) | {
        "num_channels": 1,
        "num_mel_bins": 128,
    }
    features = {
        "feature_extractor_type": "ASTFeatureExtractor",
        "max_length": 128,
        "mean": -4.27,
        "num_mel_bins": 128,
        "sampling_rate": 16000,
        "std": 4.57,
    }
    tensors = architectures.vit(config, prefix="audio_spectrogram_transformer")
    return {
        "config.json": encode_json(config),
        "preprocessor_config.json": encode_json(features),
        "model.safetensors": safetensors.encode(tensors, seed),
    }


def picture_classifier(seed: str, labels: tuple[str, ...], *, hidden: int = 96, layers: int = 4, picture: int = 224) -> Files:
    """Return a vision transformer with a classifier."""
    config = _transformer("ViTForImageClassification", "vit", hidden, layers, picture, 16, labels)
    return {
        "config.json": encode_json(config),
        "preprocessor_config.json": _picture_settings(picture),
        "model.safetensors": safetensors.encode(architectures.vit(config), seed),
    }


def _picture_settings(size: int) -> bytes:
    return encode_json(
        {
            "do_normalize": True, "do_resize": True, "image_mean": [0.5, 0.5, 0.5], "image_processor_type": "ViTImageProcessor",
            "image_std": [0.5, 0.5, 0.5], "resample": 2, "rescale_factor": 1 / 255, "size": {"height": size, "width": size},
        }
    )  # fmt: skip


def convolutional(
    seed: str, *, task: str, widths: tuple[int, ...], outputs: int, picture: int, labels: tuple[str, ...] = (), scales: int = 1
) -> Files:
    """Return a convolutional network for `task` with a PyTorch-style configuration."""
    config = {
        "model_type": task,
        "widths": list(widths),
        "depth": 2,
        "outputs": outputs,
        "scales": scales,
        "image_size": picture,
        "torch_dtype": "float16",
    }
    config |= _classes(labels)
    return {
        "config.json": encode_json(config),
        "preprocessor_config.json": _picture_settings(picture),
        "model.safetensors": safetensors.encode(architectures.convolutions(config), seed),
    }


def picture_and_text(seed: str, *, architecture: str, shards: int = 1, **shape: Any) -> Files:
    """Return a language model behind a vision encoder, with both processors."""
    text = decoder_config(**shape)
    sight = _transformer("", "vit", 96, 3, 336, 14, ())
    del sight["architectures"]
    config = {
        "architectures": [architecture],
        "image_token_id": 6,
        "model_type": "llava",
        "text_config": text,
        "torch_dtype": "bfloat16",
        "vision_config": sight,
    }
    tensors = architectures.decoder(text, prefix="language_model.model") + architectures.vit(sight, "BF16", "vision_tower")
    tensors += [
        safetensors.Tensor("multi_modal_projector.weight", (text["hidden_size"], 96)),
        safetensors.Tensor("multi_modal_projector.bias", (text["hidden_size"],), fill=0.0),
    ]
    files = {"config.json": encode_json(config), "preprocessor_config.json": _picture_settings(336)}
    files |= safetensors.encode_shards(tensors, seed, shards) if shards > 1 else {"model.safetensors": safetensors.encode(tensors, seed)}
    return files | vocabularies.decoder_tokenizer(text["vocab_size"], text["max_position_embeddings"])


def diffusion(seed: str) -> Files:
    """Return a text-to-image pipeline, laid out as Diffusers expects it."""
    denoiser = {
        "_class_name": "UNet2DConditionModel", "block_out_channels": [48, 96, 128], "cross_attention_dim": 96, "in_channels": 4, "out_channels": 4,
        "sample_size": 128,
    }  # fmt: skip
    pictures = {
        "_class_name": "AutoencoderKL",
        "block_out_channels": [32, 64, 96],
        "in_channels": 3,
        "latent_channels": 4,
        "out_channels": 3,
        "scaling_factor": 0.13025,
    }
    text = {
        "architectures": ["BertModel"], "hidden_size": 96, "intermediate_size": 384, "max_position_embeddings": 77, "model_type": "bert",
        "num_attention_heads": 6, "num_hidden_layers": 3, "vocab_size": 1536,
    }  # fmt: skip
    index = {
        "_class_name": "StableDiffusionPipeline", "_diffusers_version": "0.31.0", "scheduler": ["diffusers", "EulerDiscreteScheduler"],
        "text_encoder": ["transformers", "BertModel"], "tokenizer": ["transformers", "BertTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"], "vae": ["diffusers", "AutoencoderKL"],
    }  # fmt: skip
    scheduler = {
        "_class_name": "EulerDiscreteScheduler",
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "beta_start": 0.00085,
        "num_train_timesteps": 1000,
    }
    files = {
        "model_index.json": encode_json(index),
        "scheduler/scheduler_config.json": encode_json(scheduler),
        "text_encoder/config.json": encode_json(text),
        "text_encoder/model.safetensors": safetensors.encode(architectures.bert(text, dtype="F16"), f"{seed}/text"),
        "unet/config.json": encode_json(denoiser),
        "unet/diffusion_pytorch_model.safetensors": safetensors.encode(architectures.unet(denoiser), f"{seed}/unet"),
        "vae/config.json": encode_json(pictures),
        "vae/diffusion_pytorch_model.safetensors": safetensors.encode(architectures.vae(pictures), f"{seed}/vae"),
    }
    return files | {f"tokenizer/{name}": data for name, data in vocabularies.bert_tokenizer(1536, 77).items()}


def picture_adapter(seed: str, rank: int) -> bytes:
    """Return a low-rank adapter for the denoiser of `diffusion`."""
    tensors = []
    for block, width in enumerate((48, 96, 128)):
        for part, into in (("to_q", width), ("to_k", 96), ("to_v", 96)):
            at = f"unet.down_blocks.{block}.attentions.0.transformer_blocks.0.attn2.{part}"
            tensors += [
                safetensors.Tensor(f"{at}.lora.down.weight", (rank, into), "F16"),
                safetensors.Tensor(f"{at}.lora.up.weight", (width, rank), "F16"),
            ]
    return safetensors.encode(tensors, seed)
