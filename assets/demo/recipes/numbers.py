"""Models for series and tables."""

from assets.demo import architectures
from assets.demo.formats import safetensors
from assets.demo.formats.tables import encode_json
from assets.demo.recipes import Files


def forecaster(seed: str, *, hidden: int = 96, layers: int = 4, context: int = 512, ahead: int = 96) -> Files:
    """Return a patch transformer that writes quantiles."""
    config = {
        "architectures": ["PatchTSTForPrediction"], "context_length": context, "hidden_size": hidden, "intermediate_size": hidden * 4, "model_type": "patchtst",
        "num_attention_heads": hidden // 16, "num_hidden_layers": layers, "patch_length": 16, "patch_stride": 8, "prediction_length": ahead,
        "quantiles": [0.1, 0.25, 0.5, 0.75, 0.9], "scaling": "std",
    }  # fmt: skip
    return {"config.json": encode_json(config), "model.safetensors": safetensors.encode(architectures.patches(config), seed)}


def tabular(seed: str, features: tuple[str, ...], outputs: int, *, width: int = 128, encoder: bool = False) -> Files:
    """Return a perceptron over named columns with their scaling; `encoder` makes it an autoencoder."""
    count = len(features)
    widths = [count, width, width // 4, width, count] if encoder else [count, width, width, width // 2, outputs]
    config = {"model_type": "autoencoder" if encoder else "mlp", "activation": "gelu", "features": list(features), "widths": widths}
    scaling = {name: {"mean": round(12.5 + 3.75 * place, 3), "std": round(1.2 + 0.35 * place, 3)} for place, name in enumerate(features)}
    return {
        "config.json": encode_json(config),
        "scaling.json": encode_json(scaling),
        "model.safetensors": safetensors.encode(architectures.layers(config), seed),
    }
