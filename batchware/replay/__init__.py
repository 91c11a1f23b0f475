"""One action to one child request: building it, running it, taking in its response."""
