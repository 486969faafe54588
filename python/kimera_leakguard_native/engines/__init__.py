"""What Kimera runs: contradiction search, decision cache, and later risk and cognitive fields."""
