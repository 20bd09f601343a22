"""Learning from names alone: pairs of synonyms, and how far an encoder parts them from other names."""
