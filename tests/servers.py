"""The benchmarks' servers, for tests: which are skipped where a server is not installed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks import servers


@contextmanager
def redis_server(folder: Path) -> Iterator[servers.RedisServer]:
    try:
        server = servers.RedisServer(folder)
    except FileNotFoundError as error:
        pytest.skip(str(error))
    try:
        yield server
    finally:
        server.kill()
