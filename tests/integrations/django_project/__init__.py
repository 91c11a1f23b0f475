"""A project of Django with a batch route; `cases` are its own tests, which Django's test runner runs."""
