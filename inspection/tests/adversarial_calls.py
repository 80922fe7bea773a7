"""Pickles that hide what they call; see `adversarial`."""

from inspection.tests.adversarial import EVIL, blob, call, evil, group, kind, mapping, name, number, ordered, pickled, stacked_name, text


@kind("computed_call")
def result_of_a_call_is_called() -> bytes:
    return pickled(call(call(name("collections", "defaultdict")), text("x")))


@kind("computed_call")
def persistent_object_is_called() -> bytes:
    return pickled(call(text("0") + b"Q", text("x")))


@kind("changes_global")
def attributes_of_an_allowed_class_set() -> bytes:
    return pickled(name("torch.nn.parameter", "Parameter") + group(b"N", mapping((text("extra"), name("builtins", "list")))) + b"b")


@kind("changes_global")
def an_allowed_module_object_filled() -> bytes:
    return pickled(name("collections", "OrderedDict") + b"(" + text("update") + b"Nu")


@kind("sets_hook")
def setstate_put_into_an_object() -> bytes:
    hook = mapping((text("__setstate__"), name("builtins", "bytearray")))
    return pickled(call(name("argparse", "Namespace")) + hook + b"b" + text("argument") + b"b")


@kind("sets_hook")
def append_put_into_an_object() -> bytes:
    hook = mapping((text("append"), name("torch.storage", "_load_from_bytes")))
    return pickled(ordered() + hook + b"b" + blob(evil()) + b"a")


@kind("sets_hook")
def hook_in_the_slots_of_an_object() -> bytes:
    return pickled(call(name("argparse", "Namespace")) + group(b"N", mapping((text("__class__"), name("builtins", "list")))) + b"b")


@kind("odd_pickle", verdict="caution")
def state_made_by_a_call() -> bytes:
    hidden = call(name("builtins", "dict"), group(group(text("append"), name("builtins", "list"))))
    return pickled(ordered() + hidden + b"b")


@kind("dangerous_global")
def callable_kept_for_later() -> bytes:
    return pickled(call(name("collections", "defaultdict"), name(*EVIL)))


@kind("dangerous_global")
def callable_relayed_by_an_allowed_function() -> bytes:
    rebuild = name("torch._tensor", "_rebuild_from_type_v2")
    return pickled(call(rebuild, name(*EVIL), name("torch", "Tensor"), group(text("HOME")), b"N"))


@kind("dangerous_global")
def file_opened_by_memmap() -> bytes:
    return pickled(call(name("numpy", "memmap"), text("weights"), text("u1"), text("w+")))


@kind("dangerous_global")
def pickle_in_a_pickle_through_torch() -> bytes:
    return pickled(call(name("torch.storage", "_load_from_bytes"), blob(evil())))


@kind("hidden_global")
def pickle_in_a_pickle_not_spelled_out() -> bytes:
    return pickled(call(name("torch.storage", "_load_from_bytes"), call(name("builtins", "bytes"), text("x"))))


@kind("unknown_global", verdict="caution")
def class_that_nobody_knows() -> bytes:
    return pickled(name("__main__", "Model") + b")\x81")


@kind("unknown_global", verdict="caution")
def class_of_the_uploader_named_only() -> bytes:
    return pickled(name("modeling", "Config"))


@kind("unknown_global", verdict="caution")
def class_of_a_known_library() -> bytes:
    return pickled(stacked_name("sklearn.svm._classes", "SVC") + b")\x81" + mapping((text("C"), number(1))) + b"b")
