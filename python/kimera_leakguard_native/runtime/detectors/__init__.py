"""Rules that turn the lives of sampled objects into verdicts."""
