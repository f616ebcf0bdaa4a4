"""The methods that a bot calls, a module a subject.

A method is a coroutine function whose name is the Bot API's in snake case and whose signature,
after `state`, is its schema: `execute` converts parameters (strings when they come as a form) to
the annotated types. What a method returns is the `result` of the answer; a refusal is an
`ApiError`.
"""

import inspect
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any

from local_chat.api_error import ApiError, bad_request
from local_chat.bot_api import answering, editing, files, profile, sending, updates
from local_chat.bot_api.media import Uploads
from local_chat.bot_api.parameters import converted
from local_chat.state import State

__all__ = ["BotApi", "Check", "Uploads"]

Check = Callable[[str, Mapping[str, Any], Sequence[str]], None]

SUBJECTS = (updates, sending, editing, answering, files, profile)


class BotApi:
    """The methods that a bot calls, as Telegram's server answers them.

    `checks` get each call first: the method, its parameters, and the names of the fields of
    uploaded files. They refuse by raising `ApiError`.
    """

    def __init__(self, state: State, checks: Sequence[Check] = ()) -> None:
        self.checks = checks
        self.methods: dict[str, Callable[..., Coroutine[Any, Any, Any]]] = {
            name.replace("_", ""): partial(method, state)
            for subject in SUBJECTS
            for name, method in inspect.getmembers(subject, inspect.iscoroutinefunction)
            if method.__module__ == subject.__name__  # the others are steps that it imports
        }

    async def execute(self, method: str, params: Mapping[str, Any], uploads: Uploads) -> Any:
        """Calls a method by its name in any case; raises `ApiError`, 404 for an unknown one."""
        for check in self.checks:
            check(method, params, list(uploads))
        function = self.methods.get(method.lower())
        if function is None:
            raise ApiError(404, "Not Found: method not found")
        arguments: dict[str, Any] = {}
        for name, parameter in inspect.signature(function).parameters.items():
            if parameter.annotation is Uploads:
                arguments[name] = uploads
            elif params.get(name) is not None:
                arguments[name] = converted(name, params[name], parameter.annotation)
            elif parameter.default is parameter.empty:
                raise bad_request(f'parameter "{name}" is required')
        return await function(**arguments)
