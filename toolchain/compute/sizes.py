"""How large a machine is, and whether that is enough: section 18 of the product reference."""

import re
from dataclasses import dataclass

_CARDS = re.compile(r"(?P<cards>\d+)-(?P<accelerator>[a-z][a-z0-9]*)-(?P<card_memory>\d+)-cpu-(?P<vcpus>\d+)-(?P<memory>\d+)")
_PLAIN = re.compile(r"cpu-(?P<vcpus>\d+)-(?P<memory>\d+)")


@dataclass(frozen=True)
class Size:
    """Cards of one kind with their memory, vCPUs and memory, in GiB. `accelerator` is empty where there are no cards."""

    accelerator: str
    cards: int
    card_memory: int
    vcpus: int
    memory: int

    @property
    def code(self) -> str:
        """The code of a spec of this size: `1-snt9b-16-cpu-24-96`, or `cpu-2-8`."""
        cards = f"{self.cards}-{self.accelerator}-{self.card_memory}-" if self.accelerator else ""
        return f"{cards}cpu-{self.vcpus}-{self.memory}"

    @property
    def words(self) -> str:
        """The size as people read it, in any language: `1 × SNT9B 16 GiB, 24 vCPU, 96 GiB`."""
        cards = f"{self.cards} × {self.accelerator.upper()} {self.card_memory} GiB, " if self.accelerator else ""
        return f"{cards}{self.vcpus} vCPU, {self.memory} GiB"

    def lacks(self, least: "Size") -> str:
        """Return what keeps this size from being at least `least`, empty where it is.

        "accelerator", "cards", "card_memory", "vcpus" or "memory". Sizes with cards are compared within one kind of card only; a
        least size without cards is met by any machine with the vCPUs and the memory.
        """
        if least.accelerator and least.accelerator != self.accelerator:
            return "accelerator"
        for name in ("cards", "card_memory", "vcpus", "memory"):
            if getattr(self, name) < getattr(least, name):
                return name
        return ""


def parse(code: str) -> Size | None:
    """Return the size that the code of a spec states, None where it states none."""
    found = _CARDS.fullmatch(code) or _PLAIN.fullmatch(code)
    if found is None:
        return None
    parts = found.groupdict()
    return Size(
        parts.get("accelerator") or "",
        int(parts.get("cards") or 0),
        int(parts.get("card_memory") or 0),
        int(parts["vcpus"]),
        int(parts["memory"]),
    )
