"""Cognitive fields: embeddings with strength, resonance and waves, on a slot pool."""
