"""`python -m tripel`."""

from tripel.cli import main

main()
