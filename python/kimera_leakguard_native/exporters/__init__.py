"""What other tools read: Prometheus metrics and pprof profiles."""
