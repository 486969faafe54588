"""Reports as text for people and as JSON for programs, one format a module."""
