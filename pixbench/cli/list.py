"""`pixbench list`."""

from typing import Any

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("list")(list_names)


def list_names() -> None:
    """List generators, sources, renderers, ray casters, evaluation tasks, suites, layouts, baselines, pretrained models and metrics."""
    from ..evaluation.matching.real.scene import LAYOUTS
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
        LAYOUTS,
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


def _one_line(item: object) -> str:
    text = getattr(item, "title", None) or getattr(item, "definition", None) or (item.__doc__ or "").strip()
    return str(text).splitlines()[0] if text else ""
