"""Makes tiny models for the engine and says what they must answer: `python making.py <folder> <path of tiny.py>`.

Run by the interpreter of the base environment, with the serving package on its path. Prints one JSON object in its last line.
"""

import importlib.util
import json
import resource
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from serving.generation import Generator, Job, Row
from serving.loading import LoadError
from serving.sampling import Sampler, Sampling
from serving.texts import TextStream
from serving.weights import load
from transformers import AutoModelForCausalLM, AutoModelForQuestionAnswering, AutoTokenizer, BertModel

WRITERS = ("llama", "bloom", "falcon", "mpt")
PROMPTS = ("Anna lives in", "User: Where does Boris live?\n\nAssistant:", "x")


def decisive(folder: Path, kind: Any) -> None:
    """Make the probabilities of a random model uneven, so that rounding does not decide what it says."""
    model = kind.from_pretrained(folder)
    with torch.no_grad():
        for each in model.parameters():
            if each.dim() > 1:
                each.mul_(6)
    model.save_pretrained(folder)


def alone(model: Any, prompt: list[int], most: int) -> list[int]:
    """Return what the library itself writes for one prompt."""
    ids = torch.tensor([prompt])
    written = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=most, do_sample=False, pad_token_id=1)[0].tolist()
    written = written[len(prompt) :]
    return written[:-1] if written and written[-1] == 1 else written


def differences(folder: Path) -> int:
    """Return how many of eight texts of different lengths, which join and leave one batch of four, differ from what the library writes."""
    loaded = load(folder, base=None, task="auto", dtype="auto", memory=0, context=0)
    generator = Generator(loaded.model, loaded.tokenizer, 4)
    torch.manual_seed(1)
    rows = []
    for number, length in enumerate((3, 20, 7, 1, 40, 11, 5, 2)):
        job = Job(number, lambda _: None, time.monotonic() + 600)
        prompt = torch.randint(2, 250, (length,)).tolist()
        row = Row(job, 0, prompt, 8 + 3 * number, Sampler(Sampling(temperature=0), 0), TextStream(loaded.tokenizer, ()), loaded.ends)
        rows.append(row)
        generator.add(job, [row])
        if number > 1:
            generator.step()
            generator.step()
    while generator.busy:
        generator.step()
    return sum(row.written != alone(loaded.model, row.prompt, row.most) for row in rows)


def long_prompt(folder: Path) -> bool:
    """Say whether a prompt that is read in pieces, beside a text that is being written, gives what it gives alone."""
    from serving import generation

    generation._CHUNK = 16
    loaded = load(folder, base=None, task="auto", dtype="auto", memory=0, context=0)
    generator = Generator(loaded.model, loaded.tokenizer, 4)
    rows = []
    for number, length in enumerate((5, 75, 50)):
        job = Job(number, lambda _: None, time.monotonic() + 600)
        text = TextStream(loaded.tokenizer, ())
        rows.append(Row(job, 0, list(range(2, 2 + length)), 20, Sampler(Sampling(temperature=0), 0), text, loaded.ends))
        generator.add(job, rows[-1:])
        generator.step()
    while generator.busy:
        generator.step()
    return [row.written for row in rows] == [alone(loaded.model, row.prompt, row.most) for row in rows]


def short_of_memory(folder: Path) -> list[str]:
    """Return how a text ends for which memory is missing, and how the next one does."""
    loaded = load(folder, base=None, task="auto", dtype="auto", memory=0, context=0)
    generator = Generator(loaded.model, loaded.tokenizer, 4)

    def ended(length: int) -> str:
        said: list[dict[str, Any]] = []
        job = Job(1, said.append, time.monotonic() + 600)
        text = TextStream(loaded.tokenizer, ())
        generator.add(job, [Row(job, 0, [5] * length, 5, Sampler(Sampling(temperature=0), 0), text, frozenset())])
        while generator.busy:
            generator.step()
        return str(said[-1].get("code", said[-1]["event"]))

    first = ended(10)
    used = next(int(line.split()[1]) << 10 for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmData"))
    resource.setrlimit(resource.RLIMIT_DATA, (used + (4 << 20), resource.RLIM_INFINITY))
    return [first, ended(2000), ended(10)]


def spans(folder: Path, question: str, context: str) -> list[tuple[float, int, int]]:
    """Return the three best spans of a short text, found by trying all."""
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForQuestionAnswering.from_pretrained(folder)
    encoded = tokenizer(question, context, return_offsets_mapping=True, return_tensors="pt")
    offsets = encoded.pop("offset_mapping")[0].tolist()
    inside = [number for number, part in enumerate(encoded.sequence_ids(0)) if part == 1]
    with torch.no_grad():
        out = model(**encoded)
    allowed = [0, *inside]
    starts, ends = (logits[0, allowed].softmax(-1).tolist()[1:] for logits in (out.start_logits, out.end_logits))
    found = [
        (starts[first] * ends[last], offsets[inside[first]][0], offsets[inside[last]][1])
        for first in range(len(inside))
        for last in range(first, len(inside))
    ]
    return sorted(found, key=lambda each: -each[0])[:3]


def chosen(**options: Any) -> list[int]:
    """Return four tokens that are chosen from logits which never change."""
    sampler = Sampler(Sampling(**({"temperature": 0} | options)), 0)
    return [sampler.choose(torch.tensor([1.0, 0.9, 0.5, -1.0])) for _ in range(4)]


def drawn(**options: Any) -> list[int]:
    """Return the tokens that 200 draws from such logits give."""
    sampler = Sampler(Sampling(temperature=1.0, seed=5, **options), 0)
    return sorted({sampler.choose(torch.tensor([1.0, 0.9, 0.5, -1.0])) for _ in range(200)})


def refused(folder: Path, **options: Any) -> str:
    """Return the code with which a model is refused."""
    try:
        load(folder, **({"base": None, "task": "auto", "dtype": "auto", "memory": 0, "context": 0} | options))
    except LoadError as error:
        return error.code
    return ""


def main(place: Path, tiny_path: str) -> dict[str, Any]:
    spec = importlib.util.spec_from_file_location("tiny", tiny_path)
    assert spec is not None and spec.loader is not None
    tiny = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tiny)
    said: dict[str, Any] = {}
    for kind in WRITERS:
        (place / kind).mkdir(parents=True)
        tiny.writer(place / kind, kind)
        decisive(place / kind, AutoModelForCausalLM)
    said["differences"] = {kind: differences(place / kind) for kind in WRITERS}
    said["long_prompt"] = long_prompt(place / "llama")

    tokenizer, model = AutoTokenizer.from_pretrained(place / "llama"), AutoModelForCausalLM.from_pretrained(place / "llama")
    said["texts"] = [tokenizer.decode(alone(model, tokenizer(prompt)["input_ids"], 12)) for prompt in PROMPTS]
    said["tokens"] = [len(tokenizer(prompt)["input_ids"]) for prompt in PROMPTS]
    torch.manual_seed(2)
    adapted = get_peft_model(model, LoraConfig(r=4, lora_alpha=32, target_modules=["q_proj", "v_proj"], init_lora_weights=False))
    adapted.save_pretrained(str(place / "adapter"))
    ids = tokenizer(PROMPTS[0])["input_ids"]
    merged = load(place / "adapter", base=place / "llama", task="auto", dtype="auto", memory=0, context=0)
    said["adapted"] = [alone(adapted, ids, 12), alone(merged.model, ids, 12), merged.adapter]
    said["chosen"] = {
        "plain": chosen(),
        "presence": chosen(presence=0.2),
        "frequency": chosen(frequency=0.2),
        "repetition": chosen(repetition=3.0),
        "bias": chosen(bias={3: 5.0}),
    }
    # The shares are 0.41, 0.37, 0.25 and 0.06 of their sum.
    said["drawn"] = {
        "all": drawn(),
        "top_k": drawn(top_k=2),
        "top_p": drawn(top_p=0.8),
        "narrow": drawn(top_p=1e-9),
        "min_p": drawn(min_p=0.5),
    }

    (place / "bert").mkdir()
    tiny.bert(place / "bert")
    decisive(place / "bert", AutoModelForQuestionAnswering)
    question, context = "Where does Anna live?", "Anna lives in Paris. Boris lives in Rome. Clara keeps a red lamp."
    said["spans"] = spans(place / "bert", question, context)

    headless = place / "headless"
    shutil.copytree(place / "bert", headless)
    BertModel.from_pretrained(place / "bert").save_pretrained(headless)
    cut = place / "cut"
    shutil.copytree(place / "llama", cut)
    (cut / "model.safetensors").write_bytes((cut / "model.safetensors").read_bytes()[:1000])
    (place / "empty").mkdir()
    lonely = place / "lonely"
    shutil.copytree(place / "adapter", lonely)
    about = json.loads((lonely / "adapter_config.json").read_text())
    (lonely / "adapter_config.json").write_text(json.dumps(about | {"base_model_name_or_path": "/nowhere/yunhe"}))
    said["refused"] = {name: refused(place / name) for name in ("headless", "cut", "empty", "lonely")}
    said["refused"]["unfit"] = refused(place / "bert", task="text-generation")
    said["refused"]["with_base"] = refused(lonely, base=place / "llama")
    said["short_of_memory"] = short_of_memory(place / "bloom")
    return said


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]), sys.argv[2])) + "\n")
