"""Attempts to read, change or link what is not the run's."""

import mmap
import os
from pathlib import Path

from common import GIVEN, attempt


@attempt
def read_a_secret():
    return Path(GIVEN["secret"]).read_text()


@attempt
def list_the_data_folder():
    return [Path(GIVEN["data"], name).stat() for name in os.listdir(GIVEN["data"]) if name == "secret"][0]


@attempt
def read_own_run_folder():
    return Path(GIVEN["run"], "spec.json").read_text()


@attempt
def read_another_run():
    return Path(GIVEN["other"], "result").read_text()


@attempt
def write_into_another_run():
    Path(GIVEN["other"], "planted").write_text("planted")


@attempt
def write_to_an_input():
    Path(GIVEN["input"], "weights").write_text("changed")


@attempt
def add_to_an_input():
    Path(GIVEN["input"], "added").write_text("added")


@attempt
def remove_an_input():
    Path(GIVEN["input"], "second").unlink()


@attempt
def move_an_input():
    os.rename(Path(GIVEN["input"], "third"), Path(GIVEN["output"], "third"))


@attempt
def change_the_mode_of_an_input():
    Path(GIVEN["input"], "weights").chmod(0o777)


@attempt
def shorten_an_input():
    os.truncate(Path(GIVEN["input"], "weights"), 3)


@attempt
def touch_an_input():
    os.utime(Path(GIVEN["input"], "weights"), (0, 0))


@attempt
def link_an_input_into_the_output():
    os.link(Path(GIVEN["input"], "weights"), Path(GIVEN["output"], "linked"))


@attempt
def open_an_input_again_to_write():
    descriptor = os.open(Path(GIVEN["input"], "weights"), os.O_RDONLY)
    return os.open(f"/proc/self/fd/{descriptor}", os.O_RDWR)


@attempt
def map_an_input_to_write():
    descriptor = os.open(Path(GIVEN["input"], "weights"), os.O_RDWR)
    mmap.mmap(descriptor, 1, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)


@attempt
def mark_an_input():
    os.setxattr(Path(GIVEN["input"], "weights"), "user.mark", b"x")


@attempt
def read_a_secret_through_a_link_in_the_output():
    link = Path(GIVEN["output"], "secret")
    link.symlink_to(GIVEN["secret"])
    return link.read_text()


@attempt
def link_a_secret_into_the_output():
    os.link(GIVEN["secret"], Path(GIVEN["output"], "secret-too"))


@attempt
def leave_the_output_by_dots():
    return Path(GIVEN["output"], "../../../secret").read_text()


@attempt
def write_beside_the_mounts():
    for folder in ("/", "/dev", "/run", "/etc", "/usr", "/var", "/home", "/sys", "/opt", "/root"):
        try:
            path = Path(folder, "planted-by-a-run")
            path.write_text("planted")
            path.unlink()
            return str(path)
        except OSError as error:
            last = error
    raise last
