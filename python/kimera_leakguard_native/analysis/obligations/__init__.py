"""Duties of classes: a resource stored in ``self`` must be released by some method of the class."""
