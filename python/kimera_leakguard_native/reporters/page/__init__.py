"""The page that shows what is known of processes: served live, or written into one file."""
