"""A refusal, in the words of the Bot API."""


class ApiError(Exception):
    """What a method answers instead of a result: HTTP status, description, seconds to wait."""

    def __init__(self, code: int, description: str, retry_after: int | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.retry_after = retry_after


def bad_request(reason: str) -> ApiError:
    return ApiError(400, f"Bad Request: {reason}")
