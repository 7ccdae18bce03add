"""What can go wrong with a whole fetch. One bad report is no error: it is returned as rejected."""


class FetchError(Exception):
    """A fetch that brought nothing; its keys go back to the queue."""

    code = "fetch"


class UnauthorizedError(FetchError):
    """401. Often spurious: only several in a row mean that the login is dead."""

    code = "unauthorized"


class ThrottledError(FetchError):
    """429. retry_after_s: seconds that the gateway asked for, if it did."""

    code = "throttled"

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class GatewayUnavailableError(FetchError):
    """5xx, 541 among them, no connection, or no answer in time. status: the HTTP status, if there was one."""

    code = "gateway_unavailable"

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class MalformedAnswerError(FetchError):
    """An answer that is cut off, too long, no JSON, of the wrong shape, or says itself that it failed."""

    code = "malformed_answer"


class EmptyAnswerError(FetchError):
    """200 with an empty body, also after the last retry."""

    code = "empty_answer"
