"""Where the two halves meet: static findings and sites that grow."""
