"""Every environment variable that Paintbox reads, with its type, unit and default."""

import re
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlencode, urlsplit

from pydantic import (
    AliasChoices,
    Field,
    HttpUrl,
    RedisDsn,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

ROOT = Path(__file__).parent

EngineName = Literal["auto", "openvino", "torch"]
Quality = Literal["full", "quick"]


class Settings(BaseSettings):
    """Read from the environment and from `.env`; raises `ValidationError` when they contradict."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore")

    # How the bot reaches Telegram; no token means the chat page on localhost.
    bot_token: SecretStr | None = None
    telegram_api_url: HttpUrl | None = None
    webhook_host: HttpUrl | None = None
    webapp_host: str = "0.0.0.0"  # noqa: S104 a PaaS routes to any interface
    webapp_port: int = Field(
        8080, ge=0, le=65535, validation_alias=AliasChoices("port", "webapp_port")
    )
    local_chat_port: int = Field(8080, ge=0, le=65535)
    health_port: int | None = Field(None, ge=0, le=65535)  # a webhook's server needs none beside it
    metrics: bool = False
    source_url: HttpUrl | None = None

    # Painting.
    engine: EngineName = "auto"
    quality: Quality = (
        "full"  # of paintings in the famous styles; quick: by the quick network alone
    )
    nst_size: int = Field(512, ge=128, le=2048)  # long side in pixels that is worked at
    cyclegan_size: int = Field(512, ge=128, le=2048)  # the longest at which seasons are looked at
    workers: int = Field(1, ge=1, le=64)  # photos painted at the same time
    memory_mb: int | None = Field(None, ge=256)  # of the process; None: as its cgroup says, or 512

    # What is taken for a photo.
    max_file_mb: int = Field(20, ge=1, le=2000)  # 20 is what api.telegram.org lets bots download
    max_megapixels: float = Field(50, gt=0)
    min_side: int = Field(16, ge=1)  # pixels
    max_aspect_ratio: float = Field(20, ge=1)  # long side to short side

    # What is remembered, and the queue.
    data_dir: Path = Path("data")  # in the project's folder, unless it begins with a slash
    redis_url: RedisDsn | None = None
    redis_tls_check: bool = True  # that its certificate is one that somebody vouches for
    jobs_per_user: int = Field(12, ge=1)  # that wait, beside the one in work; an album has ten
    queue_limit: int = Field(500, ge=1)  # jobs of all users
    job_timeout: float = Field(600, gt=0)  # seconds
    shutdown_seconds: float = Field(25, ge=0)  # for photos in work at SIGTERM; Heroku kills at 30
    dyno: str | None = None  # set on Heroku, where the disk is lost at every restart

    # Who may use it.
    allowed_users: Annotated[frozenset[int] | None, NoDecode] = None  # Telegram's ids; None: all
    updates_per_minute: int = Field(60, ge=1)  # messages and presses of each user

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @property
    def redis(self) -> str | None:
        """`REDIS_URL` as Redis' clients take it, with what `REDIS_TLS_CHECK` says."""
        if self.redis_url is None or self.redis_tls_check or self.redis_url.scheme != "rediss":
            return str(self.redis_url) if self.redis_url else None
        query = {**dict(self.redis_url.query_params()), "ssl_cert_reqs": "none"}
        return urlsplit(str(self.redis_url))._replace(query=urlencode(query)).geturl()

    @field_validator("bot_token")
    @classmethod
    def _looks_like_a_token(cls, token: SecretStr | None) -> SecretStr | None:
        if token is not None and not re.fullmatch(r"\d+:\S+", token.get_secret_value()):
            raise ValueError("this is no token as @BotFather gives them")
        return token

    @field_validator("allowed_users", mode="before")
    @classmethod
    def _ids_between_commas(cls, ids: object) -> object:
        return [part for part in ids.split(",") if part.strip()] if isinstance(ids, str) else ids

    @model_validator(mode="after")
    def _without_contradictions(self) -> Self:
        if self.bot_token is None:
            for name in ("webhook_host", "telegram_api_url", "redis_url"):
                if getattr(self, name) is not None:
                    raise ValueError(f"{name.upper()} is set, but BOT_TOKEN is not")
        # Only a Bot API server of one's own calls webhooks without TLS.
        if self.webhook_host and not self.telegram_api_url and self.webhook_host.scheme != "https":
            raise ValueError("WEBHOOK_HOST must begin with https://")
        return self


def explained(error: ValidationError) -> str:
    """The first thing that is wrong with the settings, in one sentence without their values."""
    problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
    name = "_".join(str(part) for part in problem["loc"]).upper()
    message = problem["msg"].removeprefix("Value error, ")
    return f"{name}: {message}" if name else message
