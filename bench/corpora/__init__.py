"""Released packages as text to analyse: fetched by pip, unpacked, never built and never run."""
