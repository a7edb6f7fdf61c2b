"""``@agent.requires``: a function that can only be called while its capability is granted."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from device_agent.enforcement import Gate

F = TypeVar("F", bound=Callable[..., Any])


def guarded(function: F, gate: Callable[[], Gate]) -> F:
    """Return ``function``, plain or ``async``, so that every call passes through a gate.

    Raises:
        TypeError: it is a generator, whose body runs after the call has returned.
    """
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError(f"{function.__qualname__} is a generator: write `with agent.use(…):` inside it instead.")
    if inspect.iscoroutinefunction(function):

        @wraps(function)
        async def guarded_coroutine(*args: Any, **keywords: Any) -> Any:
            async with gate():
                return await function(*args, **keywords)

        return cast("F", guarded_coroutine)

    @wraps(function)
    def guarded_call(*args: Any, **keywords: Any) -> Any:
        with gate():
            return function(*args, **keywords)

    return cast("F", guarded_call)
