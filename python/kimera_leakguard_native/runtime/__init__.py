"""What a running process allocates and keeps: probes, registry, snapshots, verdicts."""
