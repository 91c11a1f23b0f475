"""What was run, as the README shows it: made of what the matrix declares, so that neither says more than the other."""

from __future__ import annotations

from collections.abc import Mapping

from tests.matrix.cells import ASGI_HOSTS, ASGI_SERVERS, CELLS, WSGI_HOSTS, WSGI_SERVERS
from tests.matrix.placements import PLACEMENTS
from tests.servers.kinds import Server

BEGIN, END = "<!-- python -m tests.matrix -->", "<!-- end of what it writes -->"

ONE_AT_A_TIME = "Serves one connection at a time, so a second batch waits for the first; actions run in parallel."
NOT_DRAINED = "Drops at SIGTERM what is in flight, a batch as any other request; all others answer it first."

VERSIONS = {
    "Django": {(3, 11): "5.2", (3, 12): "6.1"},
    "Quart": {(3, 11): "0.22", (3, 13): "0.23"},
}
"""Of what differs between Pythons: the series that is tried, from this Python on."""


def table() -> str:
    notes: list[str] = []
    parts = [
        _cells("ASGI", ASGI_HOSTS, ASGI_SERVERS, notes),
        _cells("WSGI", WSGI_HOSTS, WSGI_SERVERS, notes),
        "\n".join(f"{number}. {note}" for number, note in enumerate(notes, 1)),
        _placements(),
        " ".join(map(_series, VERSIONS)),
    ]
    return "\n\n".join(parts)


def _cells(door: str, hosts: Mapping[str, str], servers: Mapping[str, Server], notes: list[str]) -> str:
    ran = {(cell.framework, cell.server_name) for cell in CELLS if cell.server.door == door.lower()}
    heads = [name + "".join(_marks(server, notes)) for name, server in servers.items()]
    rows = [[framework, *("✓" if (framework, name) in ran else "" for name in servers)] for framework in hosts]
    return _rows([door, *heads], rows)


def _marks(server: Server, notes: list[str]) -> list[str]:
    """The numbers of the notes on `server`, which are added where they are new."""
    said = [ONE_AT_A_TIME] if server.single else []
    said += [] if server.drains else [NOT_DRAINED]
    notes.extend(note for note in said if note not in notes)
    return [f" ({notes.index(note) + 1})" for note in said]


def _placements() -> str:
    tried: dict[str, dict[str, list[str]]] = {}
    for placement in PLACEMENTS:
        frameworks = tried.setdefault(placement.name, {}).setdefault(_program(placement.server), [])
        name = _framework(placement.host)
        if name not in frameworks:
            frameworks.append(name)
    rows = [
        [name, "; ".join(f"{program}: {', '.join(frameworks)}" for program, frameworks in servers.items())]
        for name, servers in tried.items()
    ]
    return _rows(["below a prefix", "tried on"], rows)


def _program(server: Server) -> str:
    return {"pyuwsgi": "uWSGI", "daphne": "Daphne"}.get(server.module, server.module)


def _framework(host: str) -> str:
    """By its name in the tables; hosts that place batchware themselves are named after their framework."""
    names = {id: name for name, id in (*ASGI_HOSTS.items(), *WSGI_HOSTS.items())}
    return names.get(host) or names[host.partition("-")[0]]


def _series(name: str) -> str:
    said = [f"{series} on Python {'.'.join(map(str, python))}" for python, series in VERSIONS[name].items()]
    return f"{name} is {', '.join(said)} and newer."


def _rows(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def written(readme: str) -> str:
    """`readme` with this table in the place of the one that it has."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    assert begin, f"the README has no {BEGIN}"
    assert end, f"the README has no {END}"
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"
