"""Where charges are counted: in this process (`memory`), or for many processes and machines (`redis`)."""
