"""One verb a module; each offers a click command by the name `command`."""
