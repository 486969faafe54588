"""When memory will be exhausted, and how sure that is."""
