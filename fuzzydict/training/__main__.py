"""``python -m fuzzydict.training``: the same as ``fuzzydict train``."""

import sys

from fuzzydict.__main__ import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]]))
