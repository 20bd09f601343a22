"""Learning where mentions stand: labels of words, and how well a tagger finds them."""
