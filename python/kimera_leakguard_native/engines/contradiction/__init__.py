"""Contradictions and tensions between geoids, and the exact pair search below them."""
