"""The folders that let the toolchain train and serve a custom model."""

from pathlib import Path

from assets.demo.formats.tables import encode_json
from assets.demo.recipes import Files

SOURCES = Path(__file__).parent.parent / "sources"
Parameter = tuple[str, str, object, str]

_SHARED: list[Parameter] = [("lr", "float", 1e-4, "学习率"), ("epochs", "int", 2, "训练轮数"), ("batch_size", "int", 4, "每卡批大小")]
_METHODS: dict[str, dict[str, list[Parameter]]] = {
    "text": {
        "LoRA": [
            *_SHARED,
            ("method", "str", "lora", "训练方式"),
            ("lora_rank", "int", 16, "LoRA 秩"),
            ("max_length", "int", 2048, "最长 token 数"),
        ],
        "全参微调": [
            ("lr", "float", 2e-5, "学习率"),
            *_SHARED[1:],
            ("method", "str", "full", "训练方式"),
            ("max_length", "int", 2048, "最长 token 数"),
        ],
    },
    "image": {
        "全参微调": [("lr", "float", 3e-4, "学习率"), ("epochs", "int", 10, "训练轮数"), ("batch_size", "int", 32, "每卡批大小")],
        "只训练分类头": [("lr", "float", 1e-3, "学习率"), ("epochs", "int", 5, "训练轮数"), ("freeze", "bool", True, "冻结主干网络")],
    },
    "sound": {"全参微调": [("lr", "float", 5e-5, "学习率"), ("epochs", "int", 5, "训练轮数"), ("batch_size", "int", 8, "批大小")]},
}
_PACKAGES = {
    "text": "transformers>=4.44\npeft>=0.12\naccelerate>=0.33\nsentencepiece>=0.2\n",
    "image": "transformers>=4.44\ntorchvision>=0.16\npillow>=10\n",
    "sound": "transformers>=4.44\ntorchaudio>=2.1\n",
}


def source(name: str) -> bytes:
    """Return one of the scripts and texts kept beside this package."""
    return (SOURCES / f"{name}.txt").read_bytes()


def train_params(subject: str, rank: int = 16) -> bytes:
    """Return `train_params.json`; `rank` is the default of `lora_rank`."""
    methods = [
        {
            "name": name,
            "hyperparameters": [
                {
                    "name": key,
                    "type": kind,
                    "required": key in ("lr", "epochs"),
                    "default": rank if key == "lora_rank" else default,
                    "help": text,
                }
                for key, kind, default, text in parameters
            ],
        }
        for name, parameters in _METHODS[subject].items()
    ]
    return encode_json({"training_methods": methods})


def train_folder(subject: str, rank: int = 16) -> Files:
    """Return `gallery_train/` for `text`, `image` or `sound`."""
    return {
        "gallery_train/train.py": source(f"train_{subject}"),
        "gallery_train/train_params.json": train_params(subject, rank),
        "gallery_train/dataset_readme.md": source(f"dataset_{subject}"),
        "gallery_train/requirements.txt": _PACKAGES[subject].encode(),
    }


def inference_folder(subject: str) -> Files:
    """Return `gallery_inference/` for `text`, `image` or `sound`."""
    return {
        "gallery_inference/inference.py": source(f"inference_{subject}"),
        "gallery_inference/requirements.txt": _PACKAGES[subject].encode(),
    }
