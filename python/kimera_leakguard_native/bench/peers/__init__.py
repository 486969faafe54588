"""How others do the same job; imported only where they are installed."""
