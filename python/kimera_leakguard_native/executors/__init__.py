"""Work on any executor that is shaped as those of concurrent.futures."""
