"""Pickles that hide whom they name; see `adversarial`."""

import struct

from inspection.tests.adversarial import EVIL, call, evil, group, kind, mapping, name, number, pickled, stacked_name, text


@kind("dangerous_global")
def global_of_protocol_0() -> bytes:
    return b"cos\ngetenv\n(S'HOME'\ntR."


@kind("dangerous_global")
def global_of_protocol_1() -> bytes:
    return b"cos\ngetenv\n(U\x04HOMEtR."


@kind("dangerous_global")
def global_of_protocol_2() -> bytes:
    return evil(2)


@kind("dangerous_global")
def stack_global_of_protocol_4() -> bytes:
    return pickled(call(stacked_name(*EVIL), text("HOME")), 4)


@kind("dangerous_global")
def stack_global_in_a_frame_of_protocol_5() -> bytes:
    body = stacked_name(*EVIL) + b"\x94" + group(text("HOME")) + b"R."
    return b"\x80\x05\x95" + struct.pack("<Q", len(body)) + body


@kind("dangerous_global")
def inst() -> bytes:
    return b"(S'HOME'\nios\ngetenv\n."


@kind("dangerous_global")
def obj() -> bytes:
    return b"(cos\ngetenv\nS'HOME'\no."


@kind("dangerous_global")
def newobj() -> bytes:
    return pickled(name("subprocess", "Popen") + group(text("true")) + b"\x81", 2)


@kind("dangerous_global")
def newobj_ex() -> bytes:
    return pickled(stacked_name("subprocess", "Popen") + group(text("true")) + mapping((text("shell"), b"\x88")) + b"\x92")


@kind("dangerous_global")
def named_and_never_called() -> bytes:
    return pickled(name(*EVIL))


@kind("dangerous_global")
def named_and_popped() -> bytes:
    return pickled(name(*EVIL) + b"0N")


@kind("dangerous_global")
def names_through_the_memo() -> bytes:
    return pickled(text("getenv") + b"\x94" + text("os") + b"\x94" + b"00" + b"h\1h\0\x93" + group(text("HOME")) + b"R")


@kind("dangerous_global")
def memo_written_twice() -> bytes:
    return pickled(text("collections") + b"q\0" + b"0" + text("os") + b"q\0" + b"0" + b"h\0" + text("getenv") + b"\x93")


@kind("dangerous_global")
def memoize_after_put() -> bytes:
    return pickled(text("os") + b"q\5" + b"0" + text("json") + b"\x94" + b"0" + b"h\5" + text("getenv") + b"\x93")


@kind("dangerous_global")
def memo_by_text_number() -> bytes:
    return pickled(text("os") + b"p4000000000\n0" + b"g4000000000\n" + text("getenv") + b"\x93")


@kind("dangerous_global")
def memo_by_wide_number() -> bytes:
    return pickled(text("os") + b"r\0\0\0\x01" + b"0j\0\0\0\x01" + text("getenv") + b"\x93")


@kind("dangerous_global")
def names_apart_from_each_other() -> bytes:
    return pickled(text("os") + b"N0" + text("getenv") + b"(NN1" + b"\x93")


@kind("dangerous_global")
def module_duplicated() -> bytes:
    return pickled(text("os") + b"20" + text("getenv") + b"\x93")


@kind("dangerous_global")
def names_with_unicode_escapes() -> bytes:
    return b"\x80\x04V\\u006fs\nV\\u0067etenv\n\x93."


@kind("dangerous_global")
def names_with_escapes_of_python_2() -> bytes:
    return b"\x80\x04S'\\x6fs'\nS\"get\\x65nv\"\n\x93."


@kind("dangerous_global")
def names_as_byte_strings() -> bytes:
    return b"\x80\x04U\x02osT\x06\0\0\0getenv\x93."


@kind("dangerous_global")
def name_in_an_eight_byte_text() -> bytes:
    return pickled(b"\x8d" + struct.pack("<Q", 2) + b"os" + text("getenv") + b"\x93")


@kind("hidden_global")
def name_made_by_a_call() -> bytes:
    return pickled(text("os") + call(name("builtins", "str"), text("getenv")) + b"\x93")


@kind("hidden_global")
def name_made_by_encoding() -> bytes:
    return pickled(call(name("_codecs", "encode"), text("bf"), text("rot13")) + text("getenv") + b"\x93")


@kind("hidden_global")
def name_from_a_persistent_object() -> bytes:
    return pickled(text("os") + b"Q" + text("getenv") + b"\x93")


@kind("extension_code")
def extension_code_of_one_byte() -> bytes:
    return pickled(b"\x82\x01" + group(text("HOME")) + b"R", 2)


@kind("extension_code")
def extension_code_of_four_bytes() -> bytes:
    return pickled(b"\x84\x01\0\0\x10", 2)


@kind("dangerous_global")
def extension_registered_first() -> bytes:
    return pickled(call(name("copyreg", "add_extension"), text("os"), text("getenv"), number(77)) + b"0\x82\x4d")


@kind("dangerous_global")
def dotted_into_a_module() -> bytes:
    return pickled(stacked_name("torch.serialization", "os.getenv"))


@kind("dangerous_global")
def dotted_through_an_allowed_class() -> bytes:
    return pickled(stacked_name("collections", "OrderedDict.__init__.__globals__"))


@kind("dangerous_global")
def names_of_python_2() -> bytes:
    return b"c__builtin__\ngetattr\nccommands\ngetoutput\n0."


@kind("dangerous_global")
def module_with_blanks() -> bytes:
    return b"cos \r\ngetenv\r\n."
