"""Reads the settings for a command, with a plain word where one is missing or wrong."""

import typer
from pydantic import ValidationError

from registry.settings import Settings
from registry.telemetry import configure_logging


def load_settings(**overrides: object) -> Settings:
    """Settings from the environment, and logging as they say. Exits with 2 where one is missing or wrong."""
    try:
        settings = Settings(**overrides)  # type: ignore[arg-type]  # pydantic checks each value
    except ValidationError as error:
        for item in error.errors():
            name = "REGISTRY_" + "_".join(str(part) for part in item["loc"]).upper()
            typer.echo(f"{name}: {item['msg']}", err=True)
        raise typer.Exit(2) from None
    configure_logging(settings.log_level)
    return settings
