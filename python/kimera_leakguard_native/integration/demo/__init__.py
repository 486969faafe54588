"""A service that leaks on purpose, and is kept alive: what `klg demo` shows."""
