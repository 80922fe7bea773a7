"""A process of its own for each run: it starts the sandboxed program, watches over its limits and writes down what became of it.

Started as `python -I -S supervisor/__main__.py FOLDER`, it depends on the standard library and its sibling packages only, and on nobody who
started it: web, worker and their machine's session may end meanwhile. Where it is itself killed, its program ends with it.
"""
