"""The conda user's door: `python src/train.py configs/sample.yaml section.key=value ...`."""

import sys

from tripel.cli.main import main

sys.argv[1:1] = ["train"]
main()
