"""Jupyter notebooks."""

import json
from collections.abc import Sequence


def _lines(text: str) -> list[str]:
    return text.strip("\n").splitlines(keepends=True)


def encode(cells: Sequence[tuple[str, ...]]) -> bytes:
    """Return a notebook (format 4.5) of cells `("markdown", text)` and `("code", text, output)`; an empty output is none."""
    content: list[dict[str, object]] = []
    runs = 0
    for number, cell in enumerate(cells, start=1):
        base: dict[str, object] = {"cell_type": cell[0], "id": f"cell-{number:02}", "metadata": {}, "source": _lines(cell[1])}
        if cell[0] == "code":
            runs += 1
            output = cell[2] if len(cell) == 3 else ""
            printed = [{"name": "stdout", "output_type": "stream", "text": _lines(output)}] if output else []
            base |= {"execution_count": runs, "outputs": printed}
        content.append(base)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = {
        "cells": content,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python", "version": "3.11.9"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return (json.dumps(notebook, ensure_ascii=False, indent=1) + "\n").encode()
