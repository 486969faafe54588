"""What Kimera runs, leak-safe."""
"""What Kimera runs: contradiction search, decision cache, and later risk and cognitive fields."""
