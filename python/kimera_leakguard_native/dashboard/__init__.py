"""The dashboard: what processes say of themselves, live in a browser."""
