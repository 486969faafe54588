"""Plain data that the layers hand to each other; no behaviour, no I/O."""
