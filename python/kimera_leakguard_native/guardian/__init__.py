"""The facade that joins analysis, run time and GPU for programs that watch themselves."""
