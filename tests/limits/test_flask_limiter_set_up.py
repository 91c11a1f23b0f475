"""A store that is away, what is refused at start-up, and the private names of Flask-Limiter that are relied on."""

from __future__ import annotations

import inspect
from typing import Any

import flask
import pytest
from flask_limiter import ApplicationLimit, Limiter
from limits.strategies import FixedWindowRateLimiter

from batchware.integrations.flask_limiter import flask_limits
from batchware.integrations.strategies import Gate
from batchware.wsgi import BatchMiddleware
from tests.contract.batching import action, post_batch
from tests.limits.flask_service import WSGI, Service, by_user


class Down(FixedWindowRateLimiter):
    """A strategy whose store is away while `down`."""

    down = False

    def hit(self, *args: Any, **options: Any) -> bool:
        self._look()
        return super().hit(*args, **options)

    def test(self, *args: Any, **options: Any) -> bool:
        self._look()
        return super().test(*args, **options)

    def _look(self) -> None:
        if self.down:
            raise ConnectionError("the store is away")


def down(service: Service) -> Down:
    gate = service.limiter.limiter
    assert isinstance(gate, Gate)
    strategy = gate.strategy = Down(gate.storage)
    strategy.down = True
    return strategy


def test_c41_a_store_that_is_away_refuses_a_batch_with_503() -> None:
    service = Service(default_limits=["5 per day"])
    strategy = down(service)
    assert service.batch("/tasks/1").status == 503
    assert not service.ran
    strategy.down = False
    assert service.left() == 5


def test_c41_a_store_that_is_away_lets_a_batch_pass_uncounted() -> None:
    service = Service(default_limits=["5 per day"])
    strategy = down(service)
    options = flask_limits(service.limiter, service.app)
    app = BatchMiddleware(service.front.app, **options, limiter_down_batch="pass")
    assert post_batch(app, WSGI, [action()] * 3, headers={"X-User": "a"}).statuses == [200] * 3
    strategy.down = False
    assert service.left() == 5


def test_c41_the_fallback_of_the_host_takes_over() -> None:
    service = Service(default_limits=["20 per day"], in_memory_fallback=["3 per day"])
    down(service)
    assert service.batch(*["/tasks/1"] * 4).status == 429
    assert service.batch(*["/tasks/1"] * 2).statuses == [200] * 2
    assert service.left() == 1


def test_c41_errors_that_the_host_swallows_are_swallowed() -> None:
    service = Service(default_limits=["20 per day"], swallow_errors=True)
    down(service)
    assert service.batch(*["/tasks/1"] * 2).statuses == [200] * 2


def test_a_limiter_that_is_switched_off_limits_nothing() -> None:
    service = Service(default_limits=["1 per day"], enabled=False)
    assert service.batch(*["/tasks/1"] * 3).statuses == [200] * 3


def test_a_limiter_that_is_not_set_up_is_refused_at_start_up() -> None:
    app = flask.Flask("service")
    with pytest.raises(RuntimeError, match="init_app"):
        flask_limits(Limiter(by_user), app)


@pytest.mark.parametrize("name", ["_limiter", "_fallback_limiter"])
def test_flask_limiter_still_keeps_its_strategy_in__limiter(name: str) -> None:
    app = flask.Flask("service")
    limiter = Limiter(by_user, app=app, storage_uri="memory://", in_memory_fallback=["1 per day"])
    strategy = getattr(limiter, name)
    assert isinstance(strategy, FixedWindowRateLimiter)
    limiter._storage_dead = name == "_fallback_limiter"
    assert limiter.limiter is strategy
    delattr(limiter, name)
    with pytest.raises(RuntimeError, match=f"does not keep its strategy in Limiter.{name}"):
        flask_limits(limiter, app)


def test_flask_limiter_still_checks_a_request_with__check_request_limit() -> None:
    app = flask.Flask("service")
    limiter = Limiter(by_user, app=app, storage_uri="memory://", application_limits=[ApplicationLimit("1 per day")])
    assert limiter._check_request_limit in app.before_request_funcs[None]
    assert {"callable_name", "in_middleware"} <= set(inspect.signature(limiter._check_request_limit).parameters)


def test_flask_limiter_still_marks_what_it_has_decorated_and_names_it_so() -> None:
    app = flask.Flask("service")
    limiter = Limiter(by_user, app=app, storage_uri="memory://")

    @limiter.limit("1 per day")
    def view() -> str:
        return ""

    assert getattr(view, "__wrapper-limiter-instance") == limiter
    assert limiter.limit_manager.decorated_limits(f"{view.__module__}.{view.__name__}.{view.__qualname__}")


def test_flask_limiter_still_notes_what_it_may_deduct_in_its_context() -> None:
    app = flask.Flask("service")
    limiter = Limiter(by_user, app=app, storage_uri="memory://")
    with app.test_request_context():
        assert limiter.context.conditional_deductions == {}
