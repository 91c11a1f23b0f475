"""A small task manager in the shape of Asana's API: one store, three faces, and a batch endpoint on each.

`python -m examples.taskboard` fills a store, serves it on the loopback interface and shows what a batch is good for.

The parts, from the bottom up: `store` keeps the data and its transactions, `shapes` says how a record looks in
JSON, `call` is what one operation gets to see, `tasks`, `projects`, `people`, `files`, `exports` and `scim` are the
operations, `idempotency` does a write once that is sent twice, and `api` holds the routing table and everything that is
decided before and after an operation. `pages` sends the files of the page, which stand in `page/` and use nothing but
the API; `latency` makes a connection slow.
`starlette_app`, `flask_app` and `django_app` each map that table onto a framework's own router, and add batchware.
"""
