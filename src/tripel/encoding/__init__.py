"""Mentions and names -> vectors: what an encoder is shown, the encoder, and how close vectors are."""
