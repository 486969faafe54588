"""The bundled microbenchmarks behind `klg bench`; peers are imported only if installed."""
