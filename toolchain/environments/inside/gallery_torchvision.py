"""Lets a torchvision whose compiled operators do not load be imported: transforms, models and loading with Pillow then work.

The published Linux wheel is linked to CUDA. With a torch without CUDA its library does not load, and the import ends at the
declaration of what `nms` gives for tensors without data, because no such operator is known. Declared here, it is; whoever calls it
gets torch's own error. A torchvision that works declares its operators before and is left alone.
"""

import sys


class _Finder:
    """Looks on while modules are imported; finds none itself."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == "torchvision._meta_registrations":
            sys.meta_path.remove(self)
            _declare()
        return


def _declare() -> None:
    import torch

    for operator in ("nms", "qnms"):
        if not hasattr(torch.ops.torchvision, operator):
            library = torch.library.Library("torchvision", "FRAGMENT")
            library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            _LIBRARIES.append(library)


# A declaration lasts as long as its library.
_LIBRARIES: list[object] = []
sys.meta_path.insert(0, _Finder())
