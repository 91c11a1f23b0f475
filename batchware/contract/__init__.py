"""What a batch means. Pure: no I/O, no clock, no thread, no await; nothing of the package but itself.

The rules C0 to C42 are cited by their numbers throughout. The order of reading: `model` (the values), `errors`,
`paths`, `headers`, `patterns`, `deny`, `nesting` (what each rule decides), `limits`, `limiter`, `charges`, `standing`
(what is counted), `flight` (the actions in the air), `effects` and `flow` (the whole life of a batch on one page).
"""
