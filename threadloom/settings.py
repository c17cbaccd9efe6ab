"""What the environment says. Temporal's own variables are read by `temporalio.envconfig`."""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_data_path
from pydantic_settings import BaseSettings, SettingsConfigDict


def default_data_folder() -> Path:
    """Where everything is kept when nobody says otherwise."""
    return user_data_path("threadloom")


class Settings(BaseSettings):
    """Settings from `THREADLOOM_…` variables.

    Attributes:
        task_queue: Where the product's workflows and activities run.
        database_url: `sqlite:///PATH` or `postgresql://…`.
        payload_threshold: Bytes from which a payload goes to the payload store.
        log_level: `debug`, `info`, `warning` or `error`.
        log_format: `json`, or `text` for people.
        secrets_dir: A folder of files that hold a secret each; none without it.
        metrics_address: `IP:PORT` where the SDK's Prometheus metrics are served; none without it.
    """

    model_config = SettingsConfigDict(env_prefix="THREADLOOM_", extra="ignore")

    task_queue: str = "threadloom"
    database_url: str = ""
    payload_threshold: int = 32 * 1024
    log_level: str = "info"
    log_format: str = "json"
    secrets_dir: str | None = None
    metrics_address: str | None = None

    def database(self) -> str:
        """The database's URL, or the default one."""
        return self.database_url or sqlite_url(default_data_folder())


def sqlite_url(folder: Path) -> str:
    """The URL of the SQLite file that a data folder holds."""
    return f"sqlite:///{folder / 'threadloom.db'}"
