"""Risk of trades, and of components that leak."""
