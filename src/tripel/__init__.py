"""tripel: train, judge and serve biomedical entity linkers by metric learning."""

from tripel import offline

__version__ = "0.1.0"

offline.heed()  # all that happens on import: asked for by the environment, it must come before any library that has a network
