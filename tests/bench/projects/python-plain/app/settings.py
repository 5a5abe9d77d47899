"""What the environment decides."""

from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    """Settings, each from the environment variable of its name."""

    database_url: str = "sqlite:///notes.db"
    git_sha: str = "unknown"
    page_size: int = 50


settings = Settings()
