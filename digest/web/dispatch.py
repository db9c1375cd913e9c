"""From a route to its handler, straight: ours ask for the request, texts from the path and one guard, nothing else.

FastAPI can do far more for a handler (models, validation, streams), and looks whether it must at every request; that is
half of what a page costs. A route that does ask for more is left to FastAPI.
"""

import inspect
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import request_response

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class Direct(APIRoute):
    """A route as FastAPI declares it, called without its detours where that is the same."""

    def __init__(self, route: APIRoute) -> None:
        super().__init__(
            route.path,
            route.endpoint,
            methods=route.methods,
            name=route.name,
            include_in_schema=route.include_in_schema,
            responses=route.responses,
            openapi_extra=route.openapi_extra,
        )
        if is_simple(self.dependant):
            self.app = request_response(straight(self.dependant))


def is_simple(dependant: Dependant) -> bool:
    """Whether a coroutine asks for the request, path texts and such coroutines only."""
    asks_more = (
        dependant.query_params,
        dependant.header_params,
        dependant.cookie_params,
        dependant.body_params,
        dependant.response_param_name,
        dependant.background_tasks_param_name,
    )
    texts = all(field.field_info.annotation is str for field in dependant.path_params)
    return (
        texts
        and not any(asks_more)
        and _is_coroutine(dependant.call)
        and all(is_simple(one) for one in dependant.dependencies)
    )


def straight(dependant: Dependant) -> Handler:
    """The handler of a simple route: guards first, in their order, then the endpoint."""
    guards = [(one.name or "", _Call.of(one)) for one in dependant.dependencies]
    endpoint = _Call.of(dependant)

    async def handle(request: Request) -> Response:
        learned = {name: await guard(request) for name, guard in guards}
        answer: Response = await endpoint(request, **learned)
        return answer

    return handle


@dataclass(frozen=True, slots=True)
class _Call:
    """A coroutine function and what of the request it wants, by the names it uses."""

    function: Callable[..., Awaitable[Any]]
    request: str | None
    texts: tuple[str, ...]

    @classmethod
    def of(cls, dependant: Dependant) -> "_Call":
        assert dependant.call is not None  # noqa: S101  # every route and guard has one
        names = tuple(field.name for field in dependant.path_params)
        return cls(dependant.call, dependant.request_param_name, names)

    def __call__(self, request: Request, **learned: Any) -> Awaitable[Any]:
        if self.request:
            learned[self.request] = request
        for name in self.texts:
            learned[name] = request.path_params[name]
        return self.function(**learned)


def _is_coroutine(call: Callable[..., Any] | None) -> bool:
    """Also of an object that is called: a guard is one."""
    return inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(getattr(call, "__call__", None))  # noqa: B004  # what it does, not whether
