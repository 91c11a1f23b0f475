"""The coverage-guided engine: atheris watches `contract`, `wire` and `replay` while inputs change byte by byte.

It begins at `seeds`. Three of four changes are those of `neighbours`, which knows the tokens of a batch; the others are
libFuzzer's own, which know nothing.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from tests.fuzz.engines import Enough, Run
from tests.fuzz.neighbours import neighbour
from tests.fuzz.seeds import LONGEST, seeds

WATCHED = ["batchware.contract", "batchware.wire", "batchware.replay"]


def instrumented() -> Callable[..., Any]:
    """`Doors().check`, of a batchware that atheris watches. Must be the first import of batchware."""
    import atheris

    assert "batchware" not in sys.modules
    with atheris.instrument_imports(include=WATCHED):
        from tests.fuzz.checks import Doors

        return Doors().check


def coverage_guided(run: Run) -> None:
    """Runs until the run is over, and then ends the process with the run's exit status."""
    import atheris

    folder = Path(tempfile.mkdtemp(prefix="batchware-fuzz-"))
    everything = list(seeds())
    for at, data in enumerate(everything):
        (folder / f"seed-{at:04}").write_bytes(data)

    def try_one(data: bytes) -> None:
        try:
            run.one(data)
        except Enough:
            status = run.summary()
            for path in folder.iterdir():
                path.unlink()
            folder.rmdir()
            sys.stdout.flush()
            os._exit(status)  # libFuzzer's own end is that of a crash

    def change(data: bytes, most: int, seed: int) -> bytes:
        random = Random(seed)
        if random.random() < 0.25:
            return bytes(atheris.Mutate(data, len(data)))[:most] if data else b"\0\0"
        return neighbour(data, random.choice(everything), random)[:most]

    options = [f"-seed={run.seed % (1 << 32) or 1}", f"-max_len={LONGEST}", "-rss_limit_mb=3000", "-timeout=60",
               "-verbosity=0", "-len_control=0", "-use_value_profile=1"]  # fmt: skip
    atheris.Setup([sys.argv[0], str(folder), *options], try_one, custom_mutator=change)
    atheris.Fuzz()
