"""Versions of a knowledge base: kept, compared, changed: `tripel kb`. The nouns are in `knowledge`."""
