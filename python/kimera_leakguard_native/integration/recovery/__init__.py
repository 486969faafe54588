"""Recovery: bounded, consented actions that say what they really freed."""
