"""Models that listen and speak."""

from assets.demo.exhibits import Revision, exhibit
from assets.demo.formats import sounds
from assets.demo.recipes import measurements, perception, training

EXHIBITS = (
    exhibit(
        "model", "chenjiahe/Tingquan-ASR-zh", lambda: perception.speech_recogniser("tingquan/1") | {"samples/greeting.wav": sounds.voice("tingquan", 5)},
        by="chenjiahe", day=104, downloads=1_400, tag="v1.0.0",
        more=(
            Revision("添加车间样例", "chenjiahe", 30, lambda: {"samples/workshop.wav": sounds.bearing("workshop", "outer", 1.5)}),
            Revision("改进流式首字延迟", "chenjiahe", 9, lambda: {"model.safetensors": perception.speech_recogniser("tingquan/2")["model.safetensors"]}, tag="v1.1.0"),
        ),
    ),
    exhibit("model", "chenjiahe/Tingquan-ASR-Jiangnan", lambda: perception.speech_recogniser("jiangnan", hidden=64, languages=("zh", "wuu")), by="chenjiahe", day=17, downloads=160),
    exhibit(
        "model", "amara-okafor/Qingying-TTS",
        lambda: perception.speech_synthesiser("qingying", ("qing", "yan", "he", "ming")) | {f"samples/{name}.wav": sounds.voice(name, 6, pitch) for name, pitch in (("qing", 190.0), ("he", 110.0))},
        by="amara-okafor", day=63, downloads=540, upload="Upload acoustic model and vocoder", words="List the voices / 音色说明",
    ),
    exhibit(
        "model", "linwz/Bearing-Sound-AST",
        lambda: perception.sound_classifier("bearing-sound", measurements.FAULTS) | training.train_folder("sound") | training.inference_folder("sound"),
        by="linwz", day=112, downloads=62, tag="v1.0.0",
    ),
    exhibit("model", "chenjiahe/Shengwen-Speaker", lambda: perception.sound_classifier("shengwen", (), hidden=80, layers=3), by="chenjiahe", day=77, downloads=115),
)  # fmt: skip
