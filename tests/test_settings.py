"""What the environment says, and what happens where it contradicts itself."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import bot
import checks
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
        ({"ALLOWED_USERS": "1,Ann"}, "ALLOWED_USERS must be numbers, Telegram's ids"),
        ({"NST_SIZE": "3000"}, "NST_SIZE must be a whole number from 128 to 2048."),
        ({"PORT": "none"}, "PORT must be a whole number from 0 to 65535."),
        ({"MEMORY_MB": "1"}, "MEMORY_MB must be a whole number, 256 or more."),
        ({"MAX_MEGAPIXELS": "0"}, "MAX_MEGAPIXELS must be a number above 0."),
        ({"METRICS": "perhaps"}, "METRICS must be on or off."),
        ({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL must be one of DEBUG, INFO, WARNING, ERROR."),
        ({"SOURCE_URL": "here"}, "SOURCE_URL must be an address that begins with https://"),
        ({"BOT_TOKEN": "1:a", "REDIS_URL": "http://host"}, "begins with redis:// or rediss://."),
        ({"NST_SIZE": "2048", "MEMORY_MB": "512"}, "NST_SIZE=2048 needs MEMORY_MB="),
        ({"NST_SIZE": "1024", "MEMORY_MB": "300"}, "NST_SIZE=1024 needs MEMORY_MB="),
        ({"BOT_TOKEN": "1:a", "DATA_DIR": "bot.py/in_a_file"}, "DATA_DIR: nothing can be written"),
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
    monkeypatch.setattr(sys, "argv", ["bot.py"])
    assert bot.main() == 2
    said = capsys.readouterr()
    assert word in said.err
    assert len(said.err.splitlines()) == 1
    assert not said.out


def test_torch_is_missed_at_the_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ENGINE", "torch")
    monkeypatch.setattr(checks, "find_spec", {}.get)
    monkeypatch.setattr(sys, "argv", ["bot.py"])
    assert bot.main() == 2
    assert "requirements-train.txt" in capsys.readouterr().err


@pytest.mark.parametrize(("size", "megabytes"), [(512, 460), (1024, 512), (2048, 4096)])
def test_a_size_that_the_memory_holds_is_taken(size: int, megabytes: int) -> None:
    assert checks.problem_with_size(Settings(nst_size=size, memory_mb=megabytes)) is None
    assert checks.problem_with_size(Settings(nst_size=2048)) is None  # painted smaller


@pytest.mark.parametrize("workers", [1, 3])
def test_the_memory_that_is_asked_for_is_enough(workers: int) -> None:
    little = Settings(nst_size=2048, memory_mb=512, workers=workers)
    enough = re.search(r"needs MEMORY_MB=(\d+)", checks.problem_with_size(little) or "")
    assert enough
    more = Settings(nst_size=2048, memory_mb=int(enough[1]), workers=workers)
    assert checks.problem_with_size(more) is None


def test_variables_that_resemble_a_setting_are_named() -> None:
    names = ["NST_SZIE", "workres", "BOT_TOKEN", "PATH", "HOME", "PORT", "HOSTNAME", "SHORT"]
    assert list(checks.warnings_of_names(names)) == [
        "NST_SZIE is no setting. Did you mean NST_SIZE?",
        "WORKRES is no setting. Did you mean WORKERS?",
    ]


def test_names_in_the_file_count_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".env").write_text("# a comment\nNST_SZIE=300\n\nexport BOT_TOKN = 1:a\n")
    assert {"NST_SZIE", "BOT_TOKN"} <= checks.names_set()


def test_help_tells_roles_and_settings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["bot.py", "--help"])
    monkeypatch.setenv("NST_SIZE", "wrong")
    assert bot.main() == 0
    said = capsys.readouterr().out
    assert "bot.py worker" in said
    for name, field in Settings.model_fields.items():
        assert name.upper() in said
        assert field.description
    assert max(map(len, said.splitlines())) <= 100


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
