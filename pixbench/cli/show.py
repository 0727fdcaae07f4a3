"""`pixbench list` and `settings`."""

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    pass


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command("list")(list_names)
    app.command("settings")(list_settings)


def list_names() -> None:
    """List generators, sources, renderers, ray casters, evaluation tasks, suites, baselines, pretrained models and metrics."""
    from ..evaluation.model import BASELINES
    from ..evaluation.suite import SUITES
    from ..evaluation.task import METRICS, TASKS
    from ..experiments import EXPERIMENTS
    from ..generation.components import OBJECT_SOURCES, RENDERERS, ROOM_SOURCES
    from ..generation.protocol import GENERATORS
    from ..geometry.rays import CASTERS
    from ..models.pretrained import pretrained_names, pretrained_title
    from ..registry import Registry
    from ..training.objectives.base import OBJECTIVES

    registries: tuple[Registry[Any], ...] = (
        GENERATORS,
        OBJECT_SOURCES,
        ROOM_SOURCES,
        RENDERERS,
        CASTERS,
        TASKS,
        SUITES,
        OBJECTIVES,
        BASELINES,
        METRICS,
    )
    for registry in registries:
        typer.echo(f"{registry.kind}s")
        width = max(14, *map(len, registry.names()))
        for name in registry.names():
            typer.echo(f"  {name:<{width}} {_one_line(registry.get(name))}")
    typer.echo("models")
    for name in pretrained_names():
        typer.echo(f"  {f'pretrained:{name}':<14} {pretrained_title(name)}")
    typer.echo("experiments")
    for name, words in EXPERIMENTS.items():
        typer.echo(f"  {name:<14} {words}")


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
    typer.echo("Lists are written in brackets, such as --set 'fov_deg=[55, 70]'; what is inside another setting with a dot.\n")
    for name, field in kind.model_fields.items():
        written = field.annotation.__name__ if isinstance(field.annotation, type) else str(field.annotation)
        default = field.get_default(call_default_factory=True)
        typer.echo(f"  {name:<24} {default!s:<24} {re.sub(r'(typing|pathlib|pydantic[a-z_.]*)[.]', '', written)}")


def _one_line(item: object) -> str:
    text = getattr(item, "title", None) or getattr(item, "definition", None) or (item.__doc__ or "").strip()
    return str(text).splitlines()[0] if text else ""
