"""The plan: which actions come next, what their results mean for each item, and how it all gets to another process.

No I/O, no clock, no thread. Whoever drives it asks `next` for a batch, sends it, and gives `take` what came.

What is decided here is when an action may be sent again.

- A creation may where it is certain that it did not happen: it was not sent, or answered with 4xx or 503. In every
  other case it is in doubt, and then the item is looked up (`find`), or created once more where that is known to do no
  harm (`repeatable`); with neither of them the plan stops and says which creations are in doubt.
- A placement may always: it moves its item to where it belongs, from wherever it is. One whose answer got lost may
  still be about to happen, and would move its item back to what it stood behind then. So its item is placed last, and
  nothing is placed behind it before.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from ..actions import Action, Result
from ..outcomes import NoResult, NotDone
from .line import HEAD, Line, Stage
from .state import Id, is_id, restore, saved
from .stops import Failure, GaveUp, InDoubt
from .ways import Doubling, Kind, Published, Step, Way

Item = TypeVar("Item")
Came: TypeAlias = Result | NoResult | None

_WAYS: Mapping[str, type[Doubling] | type[Published]] = {"doubling": Doubling, "published": Published}
_UNTIL_KNOWN = {Kind.CREATE: Stage.DOUBTFUL, Kind.PLACE: Stage.POSTPONED}
_AGAIN = frozenset({408, 409, 423, 425, 429})  # what a server says when the same may pass later; 5xx beside them


class Where(Enum):
    """Where the first item stands, if it is not placed."""

    IT_LANDS = "where the server puts it"


class Plan(Generic[Item]):
    """Creates items and puts them in their order, whatever order the actions of a batch run in.

    - `create(item)` is the action that creates an item. It is asked once for each, at the start, and has to give the
      same for the same item in another process that goes on.
    - `created(result)` is the id of the item that a creation has created, a string or an int.
    - `place(id, anchor)` is the action that moves an item directly behind another one, in one step.
    - `after`: the id of what the first item goes behind; None for the head of the list, where `place` is asked for an
      anchor of None. Without it the first item stays where the server puts it, and the others follow it.
    - `appends`: the server puts a new item behind all others. Then some need no placement.
    - `find(item)` is an action that looks an item up, and `found(item, result)` its id, or None if it does not exist.
      `found` gets results of 2xx and of 404.
    - `repeatable`: a creation that is sent twice creates one item, and answers with it both times, since it has an
      idempotency key in it.
    - `way`: "doubling" takes the fewest batches; "published" is the one that Asana gave in its forum.
    - `size`: actions at once. What sends may split them and send the parts at once; more than it has room for gains
      nothing.
    - `tries`: how often one action is sent until the plan gives up.
    - `state`: that of a plan for the same items, from which this one goes on.

    A creation whose answer is lost must have come to its end before it is looked up, and a placement before its item
    is placed again, which is done last. Raises `ValueError` for options that don't go together, for an action that
    can't stand in a batch, and for a state of other items.
    """

    def __init__(
        self,
        items: Iterable[Item],
        *,
        create: Callable[[Item], Action],
        created: Callable[[Result], Id],
        place: Callable[[Id, Id | None], Action],
        after: Id | Where | None = Where.IT_LANDS,
        appends: bool = False,
        find: Callable[[Item], Action] | None = None,
        found: Callable[[Item, Result], Id | None] | None = None,
        repeatable: bool = False,
        way: Literal["doubling", "published"] = "doubling",
        size: int = 10,
        tries: int = 10,
        state: Mapping[str, Any] | None = None,
    ) -> None:
        led = after is not Where.IT_LANDS
        if appends and led:
            raise ValueError("appends: new items come last, so it is of no use where the first one is placed (after)")
        if (find is None) is not (found is None):
            raise ValueError("find, found: only both together")
        if find is not None and repeatable:
            raise ValueError("find: of no use where creations are repeatable")
        if way not in _WAYS:
            raise ValueError(f"way: must be 'doubling' or 'published', not {way!r}")
        for name, value in (("size", size), ("tries", tries)):
            if not value >= 1:
                raise ValueError(f"{name}: must be at least 1, not {value!r}")
        self._items = list(items)
        self._creations = [create(item) for item in self._items]
        self._created, self._place, self._find, self._found = created, place, find, found
        self._after = None if isinstance(after, Where) else after
        self._repeatable, self._size, self._tries = repeatable, size, tries
        self._ids: list[Id | None] = [None] * len(self._items)
        self._way: Way = _WAYS[way](len(self._items), size, led=led, appends=appends)
        self._line: Line = self._way.line()
        self._sent: list[tuple[Step, Action]] = []
        self._failed: Counter[tuple[str, int]] = Counter()
        texts = [repr(("led", after) if led else "lands").encode(), *(action.write() for action in self._creations)]
        self._mark = hashlib.sha256(b"\n".join(texts)).hexdigest()
        if state is not None:
            restore(state, self._mark, self._line, self._ids)

    @property
    def done(self) -> bool:
        """Whether every item exists and stands in its place."""
        return self._line.done

    @property
    def ids(self) -> list[Id | None]:
        """The ids of the items, in their order; None for one that does not exist as far as is known."""
        return list(self._ids)

    def state(self) -> dict[str, Any]:
        """How far the plan is, as JSON. What `next` has given out and what has no results yet counts as lost."""
        return saved(self._mark, self._line, self._ids)

    def next(self) -> list[Action]:
        """The next batch, which counts as sent from here on; empty when all is done.

        Raises `InDoubt`, and `RuntimeError` if the batch before has no results yet (`take`, or `lost`).
        """
        if self._sent:
            raise RuntimeError("the batch before has no results yet; say lost() if there will be none")
        if self.done:
            return []
        self._line.release()
        steps = self._doubts()
        if len(steps) < self._size:
            steps += self._way.steps(self._line, self._size - len(steps))
        sent = [(step, self._action(step)) for step in steps]
        for step in steps:
            if step.kind in _UNTIL_KNOWN:
                self._line.move(step.item, _UNTIL_KNOWN[step.kind])
        self._sent = sent
        return [action for _, action in sent]

    def take(self, results: Sequence[Came]) -> None:
        """What came for the batch that `next` gave, in its order.

        `NotDone` stands for an action that is known not to have run, None or `Unknown` for one of which nothing is
        known. Takes all of them in, and then raises `GaveUp` if it should not go on, or what `created` or `found`
        raised first; the creation is in doubt then.
        """
        if len(results) != len(self._sent):
            raise ValueError(f"results: {len(results)} for a batch of {len(self._sent)}")
        sent, self._sent = self._sent, []
        failures: list[Failure] = []
        errors: list[Exception] = []
        for (step, action), came in zip(sent, results, strict=True):
            try:
                passed = self._take(step, came)
            except Exception as error:  # noqa: BLE001  # raised below, when the other results are not lost any more
                error.add_note(f"with the result of {action} for items[{step.item}]")
                errors.append(error)
                continue
            failure = self._note(step, action, came, passed=passed)
            failures += [] if failure is None else [failure]
        if errors:
            raise errors[0]
        if failures:
            raise GaveUp(failures)

    def lost(self) -> None:
        """Of the batch that `next` gave nothing came, and nothing is known."""
        self.take([None] * len(self._sent))

    def resolve(self, item: int, id: Id | None) -> None:
        """Settles the doubt about the item with this number: its id, or None if it was not created.

        Raises `ValueError` if it is not in doubt.
        """
        if self._sent or item not in self._line.doubtful:
            raise ValueError(f"items[{item}] is not in doubt")
        self._learn(item, id)

    # --- what to send

    def _doubts(self) -> list[Step]:
        doubtful = self._line.doubtful
        if doubtful and self._find is None and not self._repeatable:
            raise InDoubt(doubtful, [self._creations[item] for item in doubtful])
        kind = Kind.REPEAT if self._repeatable else Kind.FIND
        return [Step(kind, item) for item in doubtful[: self._size]]

    def _action(self, step: Step) -> Action:
        if step.kind is Kind.PLACE:
            anchor = self._after if step.anchor == HEAD else self._ids[step.anchor]
            ident = self._ids[step.item]
            assert ident is not None
            return self._place(ident, anchor)
        if step.kind is Kind.FIND and self._find is not None:
            return self._find(self._items[step.item])
        return self._creations[step.item]

    # --- what came

    def _take(self, step: Step, came: Came) -> bool:
        """Whether the step did what it was sent for."""
        good = isinstance(came, Result) and 200 <= came.status < 300
        if step.kind is Kind.PLACE:
            if good or not _may_yet_happen(came):
                self._line.move(step.item, Stage.PLACED if good else Stage.LOOSE)
        elif step.kind is Kind.FIND:
            if isinstance(came, Result) and (good or came.status == 404) and self._found is not None:
                self._learn(step.item, self._found(self._items[step.item], came))
                return True
        elif isinstance(came, Result) and good:
            self._exists(step.item, self._created(came), settled=step.settles)
        elif step.kind is Kind.CREATE and _certain(came):
            self._line.move(step.item, Stage.MISSING)
        return good

    def _learn(self, item: int, ident: Id | None) -> None:
        if ident is None:
            self._line.move(item, Stage.MISSING)
        else:
            self._exists(item, ident)

    def _exists(self, item: int, ident: object, *, settled: bool = False) -> None:
        if not is_id(ident):
            raise TypeError(f"an id is a string or an int, not {ident!r}")
        self._ids[item] = ident
        self._line.move(item, Stage.PLACED if settled else Stage.LOOSE)

    def _note(self, step: Step, action: Action, came: Came, *, passed: bool) -> Failure | None:
        """Counts; the failure, if the action should not be sent again."""
        what = ("create" if step.kind is Kind.REPEAT else step.kind.value, step.item)
        if passed:
            del self._failed[what]
            return None
        self._failed[what] += 1
        tries = self._failed[what]
        refused = isinstance(came, Result) and came.status < 500 and came.status not in _AGAIN
        if not refused and tries < self._tries:
            return None
        del self._failed[what]  # whoever goes on all the same gets as many tries again
        return Failure(step.item, action, came, tries)


def _certain(came: Came) -> bool:
    """Whether an action that did not succeed is known to have changed nothing."""
    if isinstance(came, Result):
        return came.status < 500 or came.status == 503
    return isinstance(came, NotDone)


def _may_yet_happen(came: Came) -> bool:
    """Whether an action that did not succeed may not have come to its end."""
    if isinstance(came, Result):
        return came.status in (502, 504)  # of whoever stands between, and has waited for long enough
    return not isinstance(came, NotDone)
