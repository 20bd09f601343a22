"""`python -m tripel`."""

from tripel.cli.main import main

main()
