"""What people decided about the mentions of documents: an append-only log of events, and what follows from it.

It knows no HTTP, no page and no tensor. Everything here needs the extra `serve`.
"""
