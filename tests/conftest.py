"""How thorough the property tests are: the profiles of Hypothesis.

No example has a time limit, since no test may depend on speed. In CI (`CI` is set there) the examples are the same in
every run, so that a red run is about the commit; at a desk they differ, so that the search goes on. `thorough` is for
whoever has changed the code that a property is about: `pytest tests/properties --hypothesis-profile=thorough`.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_SLOW_IS_FINE = [HealthCheck.too_slow]

settings.register_profile(
    "desk", deadline=None, max_examples=40, stateful_step_count=30, suppress_health_check=_SLOW_IS_FINE
)
settings.register_profile("ci", settings.get_profile("desk"), derandomize=True, print_blob=True, database=None)
settings.register_profile("thorough", settings.get_profile("desk"), max_examples=1000, stateful_step_count=60)
settings.load_profile("ci" if os.environ.get("CI") else "desk")
