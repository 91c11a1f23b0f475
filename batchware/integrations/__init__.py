"""Glue for one named host library each. Nothing imports them but the host that uses them."""
