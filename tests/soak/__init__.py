"""A long run of good, bad and hostile batches against real servers, every answer checked, and what the process holds.

`plays` is what clients do and what must come back, `clients` sends it at a bounded rate, `watch` samples the server's
process, `__main__` runs servers side by side and prints the table (`python -m tests.soak --help`).
"""
