"""The `tripel` command: each command is one paragraph that calls what does it. Nothing is decided here."""
