"""What the environment says, and what happens where it contradicts itself."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import bot
from settings import Settings

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("variables", "word"),
    [
        ({"WEBHOOK_HOST": "https://bot.example"}, "BOT_TOKEN"),
        ({"TELEGRAM_API_URL": "http://127.0.0.1:1"}, "BOT_TOKEN"),
        ({"BOT_TOKEN": "1:a", "WEBHOOK_HOST": "http://bot.example"}, "https"),
        ({"BOT_TOKEN": "1:a", "WEBHOOK_HOST": "not a url"}, "WEBHOOK_HOST"),
        ({"BOT_TOKEN": "no colon"}, "BOT_TOKEN"),
        ({"NST_SIZE": "64"}, "NST_SIZE"),
        ({"NST_SIZE": "big"}, "NST_SIZE"),
        ({"PORT": "99999"}, "PORT"),
        ({"ENGINE": "abacus"}, "ENGINE"),
        ({"REDIS_URL": "redis://localhost"}, "BOT_TOKEN"),
        ({"BOT_TOKEN": "1:a", "REDIS_URL": "nowhere"}, "REDIS_URL"),
        ({"ALLOWED_USERS": "1,Ann"}, "ALLOWED_USERS"),
    ],
)
def test_contradictions_end_it_with_one_sentence(
    variables: dict[str, str],
    word: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert bot.main() == 2
    said = capsys.readouterr()
    assert word in said.err
    assert len(said.err.splitlines()) == 1
    assert not said.out


def test_what_runs_is_told_by_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_TOKEN", "1:a")
    assert bot.role_of([], Settings()) == "all"
    for wrong in (["worker"], ["help"], ["worker", "worker"]):
        with pytest.raises(ValueError, match=r"REDIS_URL|usage"):
            bot.role_of(wrong, Settings())
    monkeypatch.setenv("REDIS_URL", "redis://localhost:6379/1")
    assert bot.role_of([], Settings()) == "talker"
    assert bot.role_of(["worker"], Settings()) == "worker"


def test_allowed_users_are_ids_between_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().allowed_users is None
    monkeypatch.setenv("ALLOWED_USERS", "5, 123456789,")
    assert Settings().allowed_users == frozenset({5, 123456789})


def test_a_port_in_use_is_said_in_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        process = subprocess.run(
            [sys.executable, "bot.py"],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "LOCAL_CHAT_PORT": port},
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert process.returncode == 2
    assert port in process.stderr
    assert len(process.stderr.splitlines()) == 1


def test_the_platform_s_port_goes_before_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBAPP_PORT", "1111")
    assert Settings().webapp_port == 1111
    monkeypatch.setenv("PORT", "2222")
    assert Settings().webapp_port == 2222


def test_the_token_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_TOKEN", "123:secret")
    assert "secret" not in f"{Settings()!r}"


def test_redis_certificate_is_checked_unless_that_is_switched_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BOT_TOKEN", "1:a")
    assert Settings().redis is None
    for url, unchecked in (
        ("rediss://:p%40ss@host:6380/1", "rediss://:p%40ss@host:6380/1?ssl_cert_reqs=none"),
        ("rediss://host:6380/0?db=2", "rediss://host:6380/0?db=2&ssl_cert_reqs=none"),
        ("redis://host:6379/0", "redis://host:6379/0"),  # there is none
    ):
        monkeypatch.setenv("REDIS_URL", url)
        monkeypatch.setenv("REDIS_TLS_CHECK", "on")
        assert Settings().redis == url
        monkeypatch.setenv("REDIS_TLS_CHECK", "off")
        assert Settings().redis == unchecked


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_TOKEN", "")
    assert Settings().bot_token is None
