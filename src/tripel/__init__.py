"""tripel: train, judge and serve biomedical entity linkers by metric learning."""

__version__ = "0.1.0"
