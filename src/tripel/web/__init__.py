"""The server where experts annotate: pages, an API, and what keeps them safe. Nothing is loaded when it is imported."""
