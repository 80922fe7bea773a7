"""What findings of the safety scan say to people: what was found, and what to do. One sentence for each code."""

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

SENTENCES: dict[str, "_StrPromise"] = {
    # Pickles
    "dangerous_global": _("Loading this pickle reaches %(global)s, with which it can run anything. Do not load it; ask for safetensors."),
    "hidden_global": _("This pickle hides what it looks up. Do not load it."),
    "extension_code": _("This pickle looks something up by a number (%(number)s) instead of a name. Do not load it."),
    "computed_call": _("This pickle calls something that it computes first. Do not load it."),
    "changes_global": _("This pickle changes %(target)s in the program that loads it. Do not load it."),
    "sets_hook": _("This pickle puts functions into an object that Python calls by itself (%(names)s). Do not load it."),
    "unknown_global": _("Loading this pickle uses %(global)s, which is not on the list of harmless names. Load it only if you trust its author."),
    "nested_load": _("This pickle loads another one inside it. Load it only if you trust its author."),
    "odd_pickle": _("This pickle is written in a way that no library writes (%(why)s). Load it only if you trust its author."),
    "trailing_data": _("Other data follows the end of this file's contents. Ask its author what it is for."),
    "broken_pickle": _("This pickle breaks off or cannot be followed (%(why)s), so it could not be judged. Upload it again."),
    "not_a_pickle": _("This file has the name of a pickle and is none, so it could not be judged."),
    "joblib_array": _("An array in this file of joblib could not be read, so the file could not be judged. Upload it again."),
    "npy_header": _("The header of this NumPy file cannot be read, so the file could not be judged. Upload it again."),
    "npy_truncated": _("This NumPy file ends too early, so it could not be judged. Upload it again."),
    "compression_unknown": _("This file is compressed in a way that is not read here (%(form)s). Upload it without compression to have it judged."),
    "compressed_broken": _("The compressed data of this file is broken, so it could not be judged. Upload it again."),
    "too_much_data": _("Too much comes out of the compressed data of this file, so it was not judged to its end."),
    "pickle_stacked": _("This file holds more pickles than are read (%(limit)s), so it was not judged to its end."),
    "pickle_depth": _("Pickles are nested too deep in this file, so it was not judged to its end."),
    "pickle_opcodes": _("This pickle has more steps than are followed (%(limit)s), so it was not judged to its end."),
    "pickle_stack": _("This pickle piles up more than is followed (%(limit)s), so it was not judged to its end."),
    "pickle_memo": _("This pickle remembers more than is followed (%(limit)s), so it was not judged to its end."),
    "pickle_globals": _("This pickle looks up more names than are followed (%(limit)s), so it was not judged to its end."),
    # Archives
    "archive_bomb": _("This archive unpacks to far more than it could hold in good faith. Do not unpack it."),
    "archive_traversal": _("A member of this archive would be written outside the folder into which it is unpacked. Do not unpack it."),
    "archive_absolute_path": _("A member of this archive has an absolute path. Do not unpack it."),
    "archive_link": _("A link in this archive leads out of the folder into which it is unpacked (%(target)s). Do not unpack it."),
    "archive_device": _("This archive would create a device or a pipe. Do not unpack it."),
    "archive_overlap": _("Members of this archive share the same bytes, as in archives made to exhaust a reader. Do not unpack it."),
    "archive_headers_disagree": _("The directory of this archive and a member's own header disagree: programs would unpack different things. Pack it again."),
    "archive_hidden_member": _("This archive holds a member that its directory does not name. Pack it again without it."),
    "archive_duplicate": _("Two members of this archive have the same name: programs would unpack different things. Pack it again."),
    "archive_sizes_lie": _("A member of this archive is larger than the archive says. Pack it again."),
    "archive_strange_name": _("A member's name in this archive has control characters. Pack it again with plain names."),
    "archive_encrypted": _("A member of this archive is encrypted, so it could not be judged. Upload it without a password to have it judged."),
    "archive_method": _("A member of this archive is compressed in a way that is not read here (%(method)s), so it could not be judged."),
    "broken_archive": _("This archive is broken, so it was not judged to its end. Upload it again."),
    "truncated": _("This file ends too early, so it was not judged to its end. Upload it again."),
    "too_many_members": _("This archive has more than %(limit)s members, so it was not judged to its end. Split it."),
    "nested_too_deep": _("Archives are nested more than %(limit)s deep in this file, so it was not judged to its end."),
    "unread_archive": _("Archives of this kind (%(kind)s) are not unpacked here, so it could not be judged. Use zip or tar to have it judged."),
    "polyglot": _("This file is also a zip archive: programs would read different things in it. Ask its author why."),
    # Models
    "keras_lambda": _("The layer “%(layer)s” carries Python code that runs when the model is loaded or used. Do not load it; ask for a model without Lambda layers."),
    "keras_lambda_named": _("The layer “%(layer)s” calls a function by name. Look at what it calls before you load the model."),
    "keras_custom_object": _("Loading this model needs classes of its author: %(classes)s. Read their code first."),
    "keras_foreign_module": _("Loading this model calls %(name)s, which has no place in a model. Do not load it."),
    "keras_torch_module": _("This model carries a pickled PyTorch module, which can run anything when it is loaded. Do not load it."),
    "keras_reads_file": _("Loading this model reads the file %(path)s. Look at what it reads before you load it."),
    "keras_config_unreadable": _("The architecture of this Keras model could not be found in its file, so it could not be judged. Save it as .keras."),
    "tensorflow_writes": _("This graph can write files or call Python (%(operation)s). Do not run it unless you trust its author."),
    "tensorflow_reads": _("This graph can read files (%(operation)s). Run it only if you trust its author."),
    "torchscript_code": _("This model brings its own TorchScript program, which runs when it is used. Use it only if you trust its author."),
    "onnx_external_path": _("This ONNX model reads a file outside its folder (%(path)s). Do not load it."),
    "onnx_custom_operators": _("This ONNX model needs operators of its author (%(domain)s), which are programs. Look where they come from."),
    "custom_code": _("This configuration makes libraries run code of the repository: %(classes)s. Read it before you allow “trust_remote_code”."),
    "custom_pipelines": _("This configuration offers a pipeline with code of the repository: %(classes)s. Read it before you allow “trust_remote_code”."),
    "trust_remote_code": _("This configuration switches “trust_remote_code” on by itself. Read the code of the repository before you load it."),
    "config_target": _("This configuration has a program call %(name)s, which has no place in it. Do not load it."),
    "yaml_python_object": _("Reading this YAML file with an unsafe reader builds or calls %(name)s (line %(line)s). Read it with a safe one only."),
    "arrow_pickled_type": _("The schema of this table carries a pickled type, which old versions of pyarrow run. Do not open it with one before 14.0.1."),
    "broken_header": _("The header of this file is not what its format says (%(why)s), so the file could not be judged. Upload it again."),
    "broken_protobuf": _("This file is not what its name says, so it could not be judged."),
    # Templates
    "template_escape": _("This template reaches for the inside of Python objects (%(name)s, line %(line)s). Do not use it."),
    "template_attr": _("This template looks up attributes by name (line %(line)s), a way out of its sandbox. Read it before you use it."),
    "template_import": _("This template includes or imports another one (line %(line)s). Read that one too before you use it."),
    "template_bomb": _("This template would keep a server busy for ever or fill its memory (line %(line)s). Do not use it."),
    "template_object": _("This template uses %(name)s, which chat templates have no need of (line %(line)s). Read it before you use it."),
    "template_format": _("This template formats text in a way that reaches attributes (line %(line)s). Read it before you use it."),
    "broken_template": _("This template cannot be parsed (line %(line)s), so it could not be judged. Mend it."),
    # Notebooks, code, programs, documents
    "notebook_shell": _("Cell %(cell)s of this notebook runs commands of the system. Read them before you run it."),
    "notebook_script": _("Cell %(cell)s of this notebook runs scripts where it is shown. Clear the outputs and save it again."),
    "notebook_widget": _("Cell %(cell)s of this notebook shows a widget, which runs scripts. Clear the outputs and save it again."),
    "broken_notebook": _("This notebook cannot be read, so it could not be judged. Save it again."),
    "obfuscated_code": _("Code here is unpacked and run at once (line %(line)s), which hides what it does. Do not run it unless you know what it is."),
    "reverse_shell": _("Code here hands a shell to another machine (line %(line)s). Do not run it."),
    "install_hook": _("Installing this package runs code that starts programs or reaches the network (line %(line)s). Read it first."),
    "python_path_hook": _("Python runs line %(line)s of this file at each start where it lies among the packages. Do not install it."),
    "bidi_controls": _("Hidden characters change the order in which line %(line)s is shown: the code does something else than it seems. Remove them."),
    "program": _("This is a program (%(kind)s). Run it only if you trust its author."),
    "disguised_program": _("This is a program (%(kind)s) under the name of another kind of file. Do not open it."),
    "script": _("Systems run files of this name when they are opened. Read it first."),
    "disguised_script": _("This is a script under the name of another kind of file. Read it before you run it."),
    "markup_script": _("This page or drawing runs scripts where it is opened (line %(line)s). Remove them."),
    "xml_external_entity": _("Reading this XML file fetches something from elsewhere (line %(line)s). Remove the entity."),
    "xml_entity_bomb": _("This XML file grows without end when it is read (line %(line)s). Do not open it."),
    "document_action": _("This document starts something when it is opened (%(action)s). Save it without actions."),
    "office_macros": _("This document has macros. Open it only without running them."),
    # Secrets, viruses
    "secret": _("Line %(line)s holds what looks like a secret (%(kind)s): %(masked)s. Revoke it, then remove it; it stays in the history."),
    "virus": _("ClamAV found %(name)s. Delete the file."),
    "clamav_unavailable": _("ClamAV does not answer, so it has not seen this file yet. It is asked again every few minutes."),
    "clamav_too_large": _("This file is larger than ClamAV accepts. Raise its StreamMaxLength, or lower CLAMAV_LIMIT."),
    "clamav_failed": _("ClamAV could not read this file (%(answer)s)."),
    # What could not be judged
    "no_rule": _("Nothing here knows this kind of file, so it was not judged."),
    "too_large": _("This file is too large to be read to its end, so it was not judged."),
    "too_many_entries": _("This file has more entries than are followed, so it was not judged to its end."),
    "too_deep": _("The contents are nested too deep, so they were not judged to their end."),
    "json_too_deep": _("The JSON in this file is nested too deep, so it was not judged."),
    "broken_json": _("This is not valid JSON (line %(line)s), so it could not be judged. Mend it."),
    "binary_in_text": _("Other data stands in the middle of this text, so it could not be judged."),
    "out_of_memory": _("Reading this file takes more memory than a scan may have, so it was not judged."),
    "out_of_time": _("Reading this file takes longer than a scan may, so it was not judged."),
    "crashed": _("The scan broke off at this file, so it was not judged."),
}  # fmt: skip
KINDS: dict[str, "_StrPromise | str"] = {
    "private_key": _("private key"),
    "gallery": _("access token of this gallery"),
    "hugging_face": "Hugging Face",
    "aws": "AWS",
    "google": "Google",
    "azure": "Azure",
    "github": "GitHub",
    "gitlab": "GitLab",
    "slack": "Slack",
    "openai": "OpenAI",
    "anthropic": "Anthropic",
    "deepseek": "DeepSeek",
    "aliyun": _("Alibaba Cloud"),
    "tencent": _("Tencent Cloud"),
    "huawei": _("Huawei Cloud"),
    "stripe": "Stripe",
    "sendgrid": "SendGrid",
    "npm": "npm",
    "pypi": "PyPI",
    "docker": "Docker",
    "weights_and_biases": "Weights & Biases",
    "jwt": _("signed token (JWT)"),
    "password_in_address": _("password in an address"),
}


def sentence(code: str, facts: Mapping[str, Any]) -> str:
    """Return what the finding says in the language of the request; a code of newer rules has a sentence too."""
    if code not in SENTENCES:
        return _now("The safety scan found something (%(code)s). Ask your administrator.") % {"code": code}
    given = {name: ", ".join(map(str, value)) if isinstance(value, list) else value for name, value in facts.items()}
    if code == "secret":
        given["kind"] = KINDS.get(str(given.get("kind")), given.get("kind"))
    return str(SENTENCES[code]) % defaultdict(lambda: "…", given)
