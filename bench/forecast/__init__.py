"""Scores forecasts of memory exhaustion against what people use."""
