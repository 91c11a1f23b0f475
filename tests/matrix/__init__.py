"""Every framework on every server, over loopback: one fixed set of batches, and the table of where it was run."""
