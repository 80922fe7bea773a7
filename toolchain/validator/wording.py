"""Sentences for findings and verdicts: what is wrong, and how to mend it."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from assets import card
from core.numbers import size
from toolchain.validator.findings import Finding
from toolchain.validator.verdicts import Purpose, Verdict

SENTENCES: Mapping[str, Any] = {
    # Folders and files
    "folder_nested": gettext_lazy("This folder is inside another one. Move it to the first level, as “%(name)s”; only there is it found."),
    "folder_name": gettext_lazy("This folder is not called “%(name)s”, letter for letter. Rename it."),
    "folder_is_file": gettext_lazy("“%(name)s” must be a folder; this is a file. Upload the folder itself, not an archive of it."),
    "file_missing": gettext_lazy("“%(name)s” is missing. Add it to “%(folder)s”."),
    "file_name": gettext_lazy("“%(name)s” is missing; “%(found)s” stands there instead. Rename it."),
    "file_misplaced": gettext_lazy("“%(name)s” is missing; there is one at “%(found)s”. Move it to the top of the folder."),
    "file_empty": gettext_lazy("This file is empty. Give it its contents."),
    "file_too_large": gettext_lazy("This file has %(size)s, and at most %(limit)s of it are read. Make it smaller."),
    "file_unreadable": gettext_lazy("This file cannot be read. Upload it again."),
    "symbolic_link": gettext_lazy("This is a symbolic link. Put the file itself here."),
    "not_utf8": gettext_lazy("This line is not text in UTF-8. Save the file in UTF-8."),
    "null_byte": gettext_lazy("This line holds a null byte. Save the file as plain text."),
    # Python
    "encoding_unknown": gettext_lazy("The file declares the encoding “%(encoding)s”, which cannot be read. Save it in UTF-8 without a declaration."),
    "encoding_declared": gettext_lazy("The file is written in “%(encoding)s”. Python reads it; UTF-8 spares others the trouble."),
    "python_syntax": gettext_lazy("Python cannot read this line: %(problem)s. Correct it."),
    "python_too_deep": gettext_lazy("The script is nested too deeply, or too much of one piece, to be read. Split it."),
    "script_not_checked": gettext_lazy("So many scripts belong together that this one was not checked."),
    "import_missing": gettext_lazy("“%(module)s” is imported here, and there is no such script in the folder. Add it."),
    "import_outside": gettext_lazy("“%(module)s” stands outside the folder, where it is not found. Move it into the folder."),
    # The serving contract
    "class_missing": gettext_lazy("Nothing here serves requests. Define one class with __init__(self) and __call__(self, inputs, **params)."),
    "call_missing": gettext_lazy("No class here can be called (%(classes)s). Give the one that serves requests a method __call__(self, inputs, **params)."),
    "class_ambiguous": gettext_lazy("Several classes could serve requests: %(classes)s. Keep one, or name the one that does in __all__."),
    "class_none_fits": gettext_lazy("None of the classes that can be called fits: %(classes)s. See what each lacks."),
    "init_missing": gettext_lazy("There is no %(name)s to load the model once. Define it without arguments."),
    "init_arguments": gettext_lazy("%(name)s needs %(arguments)s, and nobody gives it. Read ENV_AG_MODEL_DIR instead, or set defaults."),
    "self_missing": gettext_lazy("%(name)s has no parameter for the object itself. Begin with self."),
    "call_inputs": gettext_lazy("%(name)s takes no inputs. Give it a parameter for them: __call__(self, inputs, **params)."),
    "call_arguments": gettext_lazy("%(name)s needs %(arguments)s beside the inputs, and requests may leave it out. Set defaults."),
    "call_params": gettext_lazy("%(name)s takes no **params: requests with parameters that it does not name will fail."),
    "contract_not_plain": gettext_lazy("%(name)s is asynchronous or a generator. Make it a plain method that returns its answer."),
    "contract_not_function": gettext_lazy("%(name)s is a property. Make it a method."),
    "contract_unproven": gettext_lazy("%(name)s comes from %(base)s, which is not in the folder, so it could not be checked."),
    # requirements.txt
    "requirement_invalid": gettext_lazy("“%(text)s” is not the name of a package with its versions. Write it like torch>=2.1."),
    "requirement_address": gettext_lazy("“%(text)s” names an address. Packages come from the package index only: write name and version."),
    "requirement_path": gettext_lazy("“%(text)s” names a file. Packages come from the package index only: write name and version."),
    "requirement_editable": gettext_lazy("“%(text)s” would install from source. Put the scripts into the folder, or name a published package."),
    "requirement_option": gettext_lazy("“%(text)s” has no effect: the gallery chooses the package index and the way of installing."),
    "requirement_included": gettext_lazy("“%(file)s” is read too, but was not checked. Better write its lines here."),
    "requirement_include_missing": gettext_lazy("“%(file)s” is not in the folder. Write its lines here."),
    "requirement_repeated": gettext_lazy("“%(name)s” stands in line %(first)d already. Keep one of the two."),
    # JSON
    "json_syntax": gettext_lazy("This is not JSON: %(expected)s is expected at character %(column)d."),
    "json_trailing_comma": gettext_lazy("A comma stands after the last entry. Remove it."),
    "json_comment": gettext_lazy("JSON has no comments. Remove this one."),
    "json_quotes": gettext_lazy("JSON wants double quotes. Replace the single ones."),
    "json_text_open": gettext_lazy("The text that begins at character %(column)d does not end on its line. Close it, or write \\n for a new line."),
    "json_control": gettext_lazy("A control character stands at character %(column)d. Write it as an escape, such as \\t."),
    "json_escape": gettext_lazy("The escape at character %(column)d means nothing. Double the backslash, or write a valid one."),
    "json_number": gettext_lazy("“%(word)s” is not a number as JSON writes them. Correct it."),
    "json_not_finite": gettext_lazy("“%(word)s” is not JSON. Write a number, or \"\" for no default."),
    "json_word": gettext_lazy("“%(word)s” is not JSON. Write true, false or null, or put text into double quotes."),
    "json_too_deep": gettext_lazy("The file nests deeper than %(limit)d levels. Flatten it."),
    "json_byte_order_mark": gettext_lazy("The file begins with a byte order mark, which many readers refuse. Save it in UTF-8 without one."),
    "key_repeated": gettext_lazy("The key “%(key)s” stands twice in one object. Remove one."),
    # train_params.json
    "key_missing": gettext_lazy("“%(key)s” is missing. Add it."),
    "key_misspelt": gettext_lazy("“%(key)s” is missing; “%(similar)s” stands there instead. Rename it."),
    "key_unknown": gettext_lazy("“%(key)s” means nothing here and is ignored."),
    "not_an_object": gettext_lazy("This must be an object in braces."),
    "not_a_list": gettext_lazy("“%(key)s” must be a list in brackets."),
    "not_text": gettext_lazy("“%(key)s” must be text in double quotes."),
    "not_a_flag": gettext_lazy("“%(key)s” must be true or false, without quotes."),
    "methods_empty": gettext_lazy("There is no training method. Describe at least one."),
    "method_name_empty": gettext_lazy("The name of a training method is empty. People choose by it: give it one."),
    "method_name_repeated": gettext_lazy("The training method “%(name)s” is in line %(first)d already. Give this one another name."),
    "parameter_name": gettext_lazy("“%(name)s” is no name for a hyperparameter. Use letters, digits and underscores only."),
    "parameter_name_repeated": gettext_lazy("The hyperparameter “%(name)s” is in line %(first)d already. Give this one another name, or remove it."),
    "type_unknown": gettext_lazy("“%(type)s” is no type. Use float, int, str or bool."),
    "default_type": gettext_lazy("The default %(value)s is not of the type %(type)s. Correct it, or write \"\" for no default."),
    "help_too_long": gettext_lazy("The help has %(length)d characters; %(limit)d are the most. Shorten it."),
    # Images
    "front_matter_unreadable": gettext_lazy("The settings at the head are not valid, so that keys for images have no effect: %(problem)s"),
    "image_key_missing": gettext_lazy("“%(key)s” is missing beside “%(other)s”. Give both, or neither."),
    "image_key_not_text": gettext_lazy("“%(key)s” must be one line of text."),
    "image_scheme": gettext_lazy("“%(image)s” begins like a web address. Write registry/name:version without it."),
    "image_reference": gettext_lazy("“%(image)s” is no image. Write registry.example.com/team/name:version, in lower case."),
    "image_without_tag": gettext_lazy("“%(image)s” names no version, so that it may change. Add one, such as :1.0."),
    "registry_open": gettext_lazy("This gallery does not say from which registries images may come; whether “%(host)s” can be reached shows at the start."),
    "registry_refused": gettext_lazy("Images from “%(host)s” are not taken here. Use one of: %(allowed)s."),
    "command_path": gettext_lazy("“%(command)s” is no path of a script. Write letters, digits, “/”, “.”, “_” and “-”, without arguments."),
    "command_outside": gettext_lazy("“%(command)s” leads out of the repository. Write a path without “..”."),
    "command_kind": gettext_lazy("“%(command)s” is neither a shell nor a Python script. Name one that ends in .sh or .py."),
    "command_missing": gettext_lazy("“%(command)s” is not in the repository. Add it, or begin with “/” for a script inside the image."),
    # Verdicts
    "validation_stopped": gettext_lazy("The files could not be checked within the limits of memory and time. Make the scripts smaller, and have them read again."),
    "not_a_model": gettext_lazy("Only models are fine-tuned and served."),
    "task_missing": gettext_lazy("The card names no task. Choose one in the card."),
    "task_not_supported": gettext_lazy("The toolchain offers nothing for this task."),
    "app_task": gettext_lazy("An AI app can be made of models for text generation and text question answering only."),
    "app_image": gettext_lazy("A model that is served by an image of its own cannot become an AI app."),
    "folder_missing": gettext_lazy("There is no “%(folder)s” at the first level. Add it with its scripts."),
    "architecture_missing": gettext_lazy("No “config.json” at the first level names an architecture. Add the one your library saves."),
    "architecture_not_supported": gettext_lazy("The gallery's own methods do not know “%(architecture)s”; they know %(known)s. Scripts of its own can train and serve it."),
    "adapter_base": gettext_lazy("This is an adapter. It is served together with the base model that its card names, which must be in this gallery."),
    "weights_missing": gettext_lazy("There are no weights at the first level. Add “model.safetensors” or “pytorch_model.bin”, or their parts."),
}  # fmt: skip

# What the JSON reader expects, as words of `json_syntax`.
EXPECTED: Mapping[str, Any] = {
    "value": gettext_lazy("a value"),
    "key": gettext_lazy("a key in double quotes"),
    "colon": gettext_lazy("a colon"),
    "comma": gettext_lazy("a comma"),
    "closing": gettext_lazy("a closing bracket"),
    "end": gettext_lazy("the end of the file"),
}

PURPOSE_NAMES: Mapping[Purpose, Any] = {
    "fine_tuning": gettext_lazy("Fine-tuning"),
    "inference": gettext_lazy("Inference"),
    "ai_app": gettext_lazy("AI app"),
}
CODE_NAMES: Mapping[str, Any] = {
    "ready": gettext_lazy("Ready"),
    "not_ready": gettext_lazy("Not ready"),
    "not_supported": gettext_lazy("Not offered"),
}
SEVERITY_NAMES: Mapping[str, Any] = {"error": gettext_lazy("error"), "warning": gettext_lazy("warning")}
# For everybody who sees the model: nothing that stands in its files.
SUMMARIES: Mapping[tuple[Purpose, str, str], Any] = {
    ("fine_tuning", "ready", "built_in"): gettext_lazy("With the gallery's own training methods."),
    ("fine_tuning", "ready", "custom"): gettext_lazy("With the model's own training scripts."),
    ("fine_tuning", "ready", "image"): gettext_lazy("In the model's own image."),
    ("fine_tuning", "not_ready", "built_in"): gettext_lazy("The gallery's own training methods do not fit these files yet."),
    ("fine_tuning", "not_ready", "custom"): gettext_lazy("The training scripts are missing or not complete yet."),
    ("fine_tuning", "not_ready", "image"): gettext_lazy("What the model says about its training image is not complete yet."),
    ("inference", "ready", "built_in"): gettext_lazy("With the gallery's own engine."),
    ("inference", "ready", "custom"): gettext_lazy("With the model's own inference script."),
    ("inference", "ready", "image"): gettext_lazy("In the model's own image."),
    ("inference", "not_ready", "built_in"): gettext_lazy("The gallery's own engine does not fit these files yet."),
    ("inference", "not_ready", "custom"): gettext_lazy("The inference script is missing or not complete yet."),
    ("inference", "not_ready", "image"): gettext_lazy("What the model says about its inference image is not complete yet."),
    ("ai_app", "ready", "built_in"): gettext_lazy("As a conversation with the gallery's own engine."),
    ("ai_app", "not_ready", "built_in"): gettext_lazy("The gallery's own engine does not fit these files yet."),
    ("ai_app", "not_supported", "built_in"): gettext_lazy("Only for text generation and text question answering."),
    ("ai_app", "not_supported", "image"): gettext_lazy("Not for models with an image of their own."),
}


def sentence(finding: Finding) -> str:
    """Return what a finding says, in the language in force."""
    facts = dict(finding.facts)
    code = "key_misspelt" if finding.code == "key_missing" and facts.get("similar") else finding.code
    try:
        if code == "file_too_large":
            facts |= {name: size(facts[name]) for name in ("size", "limit")}
        elif code == "json_syntax":
            facts["expected"] = EXPECTED[facts["expected"]]
        elif code == "front_matter_unreadable":
            facts["problem"] = card.sentence({"code": facts["error"], "params": facts["params"]})
        return str(SENTENCES[code]) % facts
    except (KeyError, TypeError, ValueError):
        # A result that was kept under other rules.
        return _("These files do not meet the specification.")


def summary(purpose: Purpose, verdict: Verdict) -> str:
    """Return one sentence about a verdict that tells nothing of what stands in the files."""
    if any(reason.code == "adapter_base" for reason in verdict.reasons):
        return _("With the gallery's own engine, together with its base model.")
    found = SUMMARIES.get((purpose, verdict.code, verdict.mode))
    return str(found) if found is not None else _("The toolchain does not offer this here.")
