"""What runs are given and what they leave: a commit becomes a folder, a folder becomes a commit."""

from toolchain.materials.collecting import collect, collected
from toolchain.materials.curves import Curve
from toolchain.materials.facts import Facts, Origin, inherited_from
from toolchain.materials.inputs import Material, materialise
from toolchain.materials.outputs import Refusal, Survey, opened, survey, surveyed
from toolchain.materials.pace import Superseded
from toolchain.materials.places import CACHE, OUTPUT, place_of
from toolchain.materials.results import Result, checked_output_name, write_result
from toolchain.materials.trimming import holders, release, trim, usage

__all__ = [
    "CACHE", "OUTPUT", "Curve", "Facts", "Material", "Origin", "Refusal", "Result", "Superseded", "Survey", "checked_output_name", "collect",
    "collected", "holders", "inherited_from", "materialise", "opened", "place_of", "release", "survey", "surveyed", "trim", "usage",
    "write_result",
]  # fmt: skip
