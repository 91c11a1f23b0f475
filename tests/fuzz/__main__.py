"""`python -m tests.fuzz --engine atheris|hypothesis [--inputs N] [--seconds T] [--seed S]`, or `--replay FILE`.

An input is one batch, on both doors. Prints a line for each 100,000 and a summary; the exit status is 1 if something
was found, and the input is saved below `--findings`.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from pathlib import Path

from tests.fuzz.cases import decode
from tests.fuzz.engines import Run, grammar_guided, say

FINDINGS = Path(tempfile.gettempdir()) / "batchware-findings"


def main() -> int:
    lines = (__doc__ or "").split("\n\n")
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=lines[1])
    parser.add_argument("--engine", choices=["atheris", "hypothesis"], default="hypothesis")
    parser.add_argument("--inputs", type=int, default=100_000, help="how many at most (100,000)")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="how long at most")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same inputs (1)")
    parser.add_argument("--findings", type=Path, default=FINDINGS, help=f"where they are saved ({FINDINGS})")
    parser.add_argument("--keep-going", action="store_true", help="do not end at the first finding")
    parser.add_argument("--replay", type=Path, help="try one saved input, and show it")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)  # handlers fail on purpose, and each failure has a traceback
    if options.replay:
        return replay(options.replay)
    if options.engine == "atheris":
        from tests.fuzz.coverage_guided import coverage_guided, instrumented

        check, engine = instrumented(), coverage_guided
    else:
        from tests.fuzz.checks import Doors

        check, engine = Doors().check, grammar_guided
    run = Run(options.engine, options.inputs, options.seconds, options.seed, options.findings, check,
              keep_going=options.keep_going)  # fmt: skip
    engine(run)
    return run.summary()


def replay(path: Path) -> int:
    """Tries one saved input. Returns the exit status."""
    from tests.fuzz.checks import Doors, Finding

    case = decode(path.read_bytes())
    say(str(case))
    try:
        verdict = Doors().check(case)
    except Finding as finding:
        say(f"finding: {finding}")
        return 1
    say(f"no finding: {verdict}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
