"""`pixbench settings`."""

import re
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pydantic import BaseModel


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("settings")(list_settings)


def list_settings(of: Annotated[str, typer.Argument(help="A generator, or train.")]) -> None:
    """List what --set can change: each setting with its type and default, and what they mean."""
    import inspect

    from ..errors import unknown_name
    from ..generation.protocol import GENERATORS
    from ..training.config import TrainConfig

    if of not in ("train", *GENERATORS.names()):
        raise unknown_name("command with settings", of, ("train", *GENERATORS.names()))
    kind = TrainConfig if of == "train" else GENERATORS.get(of).config_type
    typer.echo(inspect.getdoc(kind) or "")
    example = "'zoom=[0.8, 1.2]'" if of == "train" else "'fov_deg=[55, 70]'" if "fov_deg" in kind.model_fields else "'NAME=[1, 2]'"
    typer.echo(f"Lists are written in brackets, such as --set {example}; what is inside another setting with a dot.\n")
    for name, words in setting_rows(kind):
        typer.echo(f"  {name:<24} {words}")


def setting_rows(kind: "type[BaseModel]") -> list[tuple[str, str]]:
    """Each setting of a configuration, with its default and its type."""
    rows = []
    for name, field in kind.model_fields.items():
        written = field.annotation.__name__ if isinstance(field.annotation, type) else str(field.annotation)
        default = field.get_default(call_default_factory=True)
        rows.append((name, f"{default!s:<24} {re.sub(r'(typing|pathlib|pydantic[a-z_.]*)[.]', '', written)}"))
    return rows
