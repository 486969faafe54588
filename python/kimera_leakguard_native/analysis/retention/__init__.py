"""Memory that code keeps without end: one kind of evidence a module, over one outline of a file."""
