"""The rules taken out one by one: for each a change of one line that removes it, and the tests that must notice.

`python -m tests.sabotage` makes every change in a copy of its own and expects the tests to fail there.
"""
