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

    # How the bot reaches Telegram.
    bot_token: SecretStr | None = Field(
        None, description="Telegram's token; without one the bot serves a chat page on localhost"
    )
    telegram_api_url: HttpUrl | None = Field(None, description="another Bot API server")
    webhook_host: HttpUrl | None = Field(
        None, description="where Telegram reaches the bot; else it polls"
    )
    webapp_host: str = Field(
        "0.0.0.0",  # noqa: S104 a PaaS routes to any interface
        description="where the webhook's server listens",
    )
    webapp_port: int = Field(
        8080,
        ge=0,
        le=65535,
        validation_alias=AliasChoices("port", "webapp_port"),
        description="its port; PORT, as platforms set it, goes first",
    )
    local_chat_port: int = Field(8080, ge=0, le=65535, description="port of the chat page")
    health_port: int | None = Field(
        None, ge=0, le=65535, description="of /health/live and /health/ready without a webhook"
    )
    metrics: bool = Field(False, description="serves /metrics for Prometheus beside them")
    source_url: HttpUrl | None = Field(None, description="where the button Source code leads")

    # Painting.
    engine: EngineName = Field("auto", description="what runs the networks")
    quality: Quality = Field(
        "full", description="quick: famous styles by the quick network alone, for little machines"
    )
    nst_size: int = Field(
        512, ge=128, le=2048, description="long side in pixels at which pictures are painted"
    )
    cyclegan_size: int = Field(
        512, ge=128, le=2048, description="the longest at which seasons are looked at"
    )
    workers: int = Field(1, ge=1, le=64, description="photos painted at the same time")
    memory_mb: int | None = Field(
        None, ge=256, description="that the process may take; else as its cgroup says, or 512"
    )

    # What is taken for a photo.
    max_file_mb: int = Field(  # 20 is what api.telegram.org lets bots download
        20, ge=1, le=2000, description="largest file"
    )
    max_megapixels: float = Field(50, gt=0, description="largest picture")
    min_side: int = Field(16, ge=1, description="smallest side in pixels")
    max_aspect_ratio: float = Field(20, ge=1, description="most elongated: long side to short side")

    # What is remembered, and the queue.
    data_dir: Path = Field(  # in the project's folder, unless it begins with a slash
        Path("data"), description="folder of what is remembered and of photos that wait"
    )
    redis_url: RedisDsn | None = Field(
        None, description="Redis that keeps them instead; this process then only talks"
    )
    redis_tls_check: bool = Field(True, description="whether Redis' certificate is checked")
    jobs_per_user: int = Field(  # beside the one in work; an album has ten
        12, ge=1, description="most photos of one person that wait"
    )
    queue_limit: int = Field(500, ge=1, description="most photos of all people that wait")
    job_timeout: float = Field(600, gt=0, description="seconds for a photo")
    shutdown_seconds: float = Field(  # Heroku kills at 30
        25, ge=0, description="that SIGTERM leaves to photos in work"
    )
    dyno: str | None = Field(None, description="set by Heroku, where disks do not last")

    # Who may use it.
    allowed_users: Annotated[frozenset[int] | None, NoDecode] = Field(
        None, description="the only people who may use the bot; else everybody"
    )
    admins: Annotated[frozenset[int] | None, NoDecode] = Field(
        None, description="who may ask for /stats"
    )
    updates_per_minute: int = Field(
        60, ge=1, description="messages and presses of buttons taken from one person"
    )

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="the least that is logged"
    )

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
            raise ValueError("must be a token as @BotFather gives them")
        return token

    @field_validator("allowed_users", "admins", mode="before")
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
