"""`__main__.py FOLDER` takes a run up in the background and returns once it is taken; with `--foreground` it stays, and ends as the program does."""

import sys
from pathlib import Path

# Isolated from site-packages and from the current folder, an interpreter does not find even ourselves.
sys.path.append(str(Path(__file__).resolve().parents[3]))

from toolchain.runners.supervisor.taking import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
