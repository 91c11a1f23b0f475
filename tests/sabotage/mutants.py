"""`python -m tests.sabotage.mutants`: every line of the contract, the wire format and the replay broken in every way.

mutmut writes the mutants; `judging.py`, a plugin of pytest, gives each the tests that reach its function. What survives
must stand in `survivors.md` with its reason; the exit status is 1 if anything else does.

Everything is kept in a folder of its own. A second run judges what the first has left, and the mutants of functions
that have changed since; with `--again` it also gives those that survived another chance.
"""

from __future__ import annotations

import argparse
import difflib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
BROKEN = ("contract", "wire", "replay")
COPIED = ("batchware", "tests", "examples", "pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE")
SURVIVORS = Path(__file__).with_name("survivors.md")
FIRST, THEN = 1.0, 40.0  # seconds of tests for a mutant: few find almost all, the rest is worth a longer look
# What decides about a rule without a server or a framework.
TESTS = (
    "tests/contract",
    "tests/properties",
    "tests/guards",
    "tests/faults",
    "tests/isolation",
    "tests/oracles",
    "tests/limits/test_charges.py",
    "tests/limits/test_keeping.py",
    "tests/limits/test_laws.py",
    "tests/limits/test_ledger.py",
    "tests/limits/test_models.py",
    "tests/observability/test_access_log.py",
    "tests/observability/test_around_batch.py",
    "tests/observability/test_debug_log.py",
    "tests/observability/test_server_timing.py",
)
NOT = (
    "corpus", "starlette", "fastapi", "litestar", "quart", "falcon", "django", "flask", "bottle", "pyramid", "gigabyte",
    "redis",
)  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One change of one function, as mutmut names it; `hash` is of the whole function."""

    name: str
    hash: str
    file: str
    first: int
    last: int
    """The lines in which the function begins and ends, in the module with all mutants."""
    lines: list[int]
    """Those that are changed, there."""
    old: str
    new: str

    @property
    def function(self) -> str:
        return self.name.partition("__mutmut_")[0]

    @property
    def line(self) -> str:
        """How `survivors.md` tells it: the same however many mutants stand before it in its function."""
        module, _, function = self.function.removeprefix("batchware.").rpartition(".")
        function = function.removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")
        return f"{module}.{function}: {self.old} => {self.new}"


def mutants_of(path: Path, text: str) -> tuple[str, list[Mutant]]:
    """The module with all its mutants in it, and their list."""
    from mutmut.mutation.file_mutation import mutate_file_contents
    from mutmut.utils.format_utils import get_mutant_name

    mutated = mutate_file_contents(str(path), text)
    lines = mutated.code.split("\n")

    def code(function: str) -> list[str]:
        span = mutated.line_span_by_function_name[function]
        text = "\n".join(lines[span.start - 1 : span.end])
        name = function.partition("__mutmut_")[0].rpartition("ǁ")[2].removeprefix("x_")
        return [line.strip() for line in text.replace(function, name).split("\n")]

    found = []
    for name in mutated.mutant_names:
        function = name.partition("__mutmut_")[0]
        before, after = code(f"{function}__mutmut_orig"), code(name)
        changes = [
            one for one in difflib.SequenceMatcher(None, before, after, False).get_opcodes() if one[0] != "equal"
        ]
        span = mutated.line_span_by_function_name[f"{function}__mutmut_orig"]
        found.append(
            Mutant(
                get_mutant_name(path, name),
                mutated.hash_by_function_name[function],
                str(path),
                span.start,
                span.end,
                [span.start + line for _, low, high, _, _ in changes for line in range(low, max(high, low + 1))],
                " ".join(line for _, low, high, _, _ in changes for line in before[low:high]),
                " ".join(line for _, _, _, low, high in changes for line in after[low:high]),
            )
        )
    return mutated.code, found


def generate(folder: Path) -> list[Mutant]:
    """A copy of the project below `folder`, with the mutants in it. What has not changed is kept."""
    kept: dict[str, tuple[str, list[dict[str, Any]]]] = {}
    index = folder / "index.json"
    if index.exists():
        kept = json.loads(index.read_text("utf-8"))
    tree = folder / "tree"
    broken = {
        path.relative_to(ROOT): path for part in BROKEN for path in sorted((ROOT / "batchware" / part).glob("*.py"))
    }
    for part in COPIED:
        if (ROOT / part).is_file():
            tree.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / part, tree)
            continue
        for path in sorted((ROOT / part).rglob("*")):
            target = tree / path.relative_to(ROOT)
            if path.is_file() and "__pycache__" not in path.parts and path.relative_to(ROOT) not in broken:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, target)
    for relative, path in broken.items():
        text = path.read_text("utf-8")
        digest = hashlib.sha256(text.encode()).hexdigest()
        if kept.get(str(relative), ("",))[0] == digest and (tree / relative).exists():
            continue
        code, found = mutants_of(relative, text)
        (tree / relative).parent.mkdir(parents=True, exist_ok=True)
        (tree / relative).write_text(code, "utf-8")
        kept[str(relative)] = (digest, [asdict(mutant) for mutant in found])
    kept = {relative: one for relative, one in kept.items() if Path(relative) in broken}
    index.write_text(json.dumps(kept), "utf-8")
    return [Mutant(**mutant) for _, found in kept.values() for mutant in found]


def results(folder: Path) -> dict[tuple[str, str], dict[str, object]]:
    """The last verdict about each mutant, by its name and its function's hash."""
    path = folder / "results.jsonl"
    found = {}
    if path.exists():
        for line in path.read_text("utf-8").splitlines():
            one = json.loads(line)
            found[one["name"], one["hash"]] = one
    return found


def listed() -> set[str]:
    """The survivors that `survivors.md` has a reason for."""
    return {line for line in SURVIVORS.read_text("utf-8").split("\n") if " => " in line}


def code(folder: Path) -> str:
    """Names what is mutated, in its present state."""
    kept = json.loads((folder / "index.json").read_text("utf-8"))
    return hashlib.sha256("".join(digest for digest, _ in kept.values()).encode()).hexdigest()


def judge(folder: Path, todo: list[Mutant], seconds: float, workers: int, learn: bool) -> None:
    """Runs `judging.py` over `todo`, in the copy."""
    plan = {
        "todo": [asdict(mutant) for mutant in todo],
        "code": code(folder),
        "seconds": seconds,
        "workers": workers,
        "learn": learn,
    }
    (folder / "plan.json").write_text(json.dumps(plan), "utf-8")
    run = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-q", "-s", "--assert=plain", "--tb=native", "-p", "tests.sabotage.judging",
            "-p", "no:cacheprovider", "-p", "no:faulthandler",
            "-k", " and ".join(f"not {word}" for word in NOT), *TESTS,
        ],
        cwd=folder / "tree",
        env={
            **os.environ, "PYTHONPATH": str(folder / "tree"), "CI": "true",
            "BATCHWARE_MUTANTS": str(folder), "BATCHWARE_TESTS_DEADLINE": "3",
        },
        check=False,
    )  # fmt: skip
    if run.returncode:
        raise SystemExit(f"pytest ended with {run.returncode}")


def left(mutants: list[Mutant], folder: Path, seconds: float, known: set[str], again: bool) -> list[Mutant]:
    """Those without a verdict, and survivors that had less than `seconds` of the tests that there are for them."""
    judged = results(folder)
    found = []
    for mutant in mutants:
        verdict = judged.get((mutant.name, mutant.hash))
        if verdict is None or (
            mutant.line not in known
            and verdict["verdict"] in {"survived", "no tests"}
            and (again or (verdict["ran"] != verdict["reach"] and float(str(verdict["seconds"])) < seconds))
        ):
            found.append(mutant)
    return sorted(found, key=lambda mutant: (mutant.name, mutant.hash) in judged)  # the new ones first


def report(mutants: list[Mutant], folder: Path, known: set[str]) -> int:
    judged = results(folder)
    table: dict[str, Counter[str]] = defaultdict(Counter)
    unlisted = []
    for mutant in mutants:
        verdict = str(judged.get((mutant.name, mutant.hash), {}).get("verdict", "not judged"))
        if verdict in {"survived", "no tests"}:
            if mutant.line in known:
                verdict = "listed"
            else:
                unlisted.append(f"{verdict}  {mutant.name.removeprefix('batchware.')}\n    {mutant.line}")
        module = mutant.name.split(".")[1] + "/" + mutant.name.split(".")[2] + ".py"
        for row in (module, "all"):
            table[row][verdict] += 1
    heads = ("killed", "timeout", "listed", "survived", "no tests", "not judged")
    print(f"{'':24}" + "".join(f"{head:>12}" for head in heads))
    for row, counts in table.items():
        print(f"{row:24}" + "".join(f"{counts[head]:12}" for head in heads))
    print("\n".join(sorted(unlisted)))
    gone = known - {mutant.line for mutant in mutants}
    print("\n".join(f"listed, but no mutant any more: {line}" for line in sorted(gone)))
    return int(bool(unlisted) or table["all"]["not judged"] > 0)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.sabotage.mutants", description=__doc__)
    parser.add_argument("only", nargs="*", default=["*"], help="of these mutants, such as 'batchware.wire.query.*'")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "batchware-mutants")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--again", action="store_true", help="those that survived, with the tests as they are now")
    parser.add_argument("--report", action="store_true", help="only say what has been found")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    os.chdir(ROOT)  # mutmut looks for its configuration
    mutants = [mutant for mutant in generate(options.folder) if any(fnmatch(mutant.name, one) for one in options.only)]
    known = listed()
    if not options.report:
        again = options.again
        for seconds in (FIRST, THEN):
            if todo := left(mutants, options.folder, seconds, known, again):
                print(f"{len(todo)} mutants, {seconds:.0f} seconds of tests for each", flush=True)
                judge(options.folder, todo, seconds, options.workers, learn=seconds == FIRST)
            again = False
    return report(mutants, options.folder, known)


if __name__ == "__main__":
    sys.exit(main())
