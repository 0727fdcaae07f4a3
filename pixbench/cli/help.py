"""Help texts: commands grouped by purpose, each with an example."""

import re
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

GROUPS = {
    "Data": ("generate", "preview", "verify", "info", "recipe", "assets", "leak-check"),
    "Train and use": ("train", "match", "describe", "export", "model"),
    "Evaluate": ("evaluate", "leaderboard", "metrics", "sweep", "report"),
    "Look": ("demo", "view", "animate", "list", "settings"),
    "Share": ("hub", "croissant"),
}

EXAMPLES = {
    "generate": "pixbench generate 3d --out data/train --scenes 24 --size 256",
    "preview": "pixbench preview 3d --out preview.png",
    "verify": "pixbench verify data/train",
    "info": "pixbench info data/train",
    "recipe": "pixbench recipe data/train --out train.json",
    "assets": "pixbench assets fetch sweethome3d-furniture",
    "assets list": "pixbench assets list",
    "assets fetch": "pixbench assets fetch sweethome3d-furniture",
    "assets check": "pixbench assets check folder:meshes",
    "leak-check": "pixbench leak-check data/train",
    "train": "pixbench train --data data/train --out runs/mine --steps 2000",
    "match": "pixbench match a.jpg b.jpg --geometry homography --out matches.png",
    "describe": "pixbench describe a.jpg --out a.npz",
    "export": "pixbench export runs/mine --out mine.onnx",
    "model": "pixbench model new my_model",
    "model new": "pixbench model new my_model",
    "evaluate": "pixbench evaluate --model runs/mine --suite mini",
    "leaderboard": "pixbench leaderboard show",
    "leaderboard show": "pixbench leaderboard show results/mini",
    "leaderboard build": "pixbench leaderboard build --check",
    "leaderboard verify": "pixbench leaderboard verify results/mini/daisy.json",
    "leaderboard rescore": "pixbench leaderboard rescore results/mini/daisy.json",
    "leaderboard compare": "pixbench leaderboard compare daisy dense-sift",
    "leaderboard submit": "pixbench leaderboard submit results/mini/mine.json",
    "leaderboard schema": "pixbench leaderboard schema",
    "metrics": "pixbench metrics explain pck@4",
    "metrics list": "pixbench metrics list",
    "metrics explain": "pixbench metrics explain pck@4",
    "metrics sensitivity": "pixbench metrics sensitivity results/mini/daisy.json",
    "sweep": "pixbench sweep experiment1",
    "report": "pixbench report page results data/train",
    "demo": "pixbench demo --fast",
    "view": "pixbench view results runs/mine",
    "animate": "pixbench animate data/train --out pixel.gif",
    "list": "pixbench list baselines",
    "settings": "pixbench settings 3d",
    "hub": "pixbench hub push runs/mine USER/NAME",
    "hub push": "pixbench hub push runs/mine USER/NAME",
    "hub pull": "pixbench hub pull USER/NAME runs/theirs",
    "croissant": "pixbench croissant data/train",
}
"""The example of each command, and of each command of a group."""

LONGEST_SUMMARY = 120
"""Characters of a command's summary beside its name: a whole sentence."""


class Commands(TyperGroup):
    """The commands of a group, each with its whole summary."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """See click.Group."""
        self.section(formatter, "Commands", tuple(self.commands))

    def section(self, formatter: Any, title: str, names: tuple[str, ...]) -> None:
        """Write some commands below a title."""
        with formatter.section(title):
            formatter.write_dl([(name, self.commands[name].get_short_help_str(limit=LONGEST_SUMMARY)) for name in names])


class GroupedCommands(Commands):
    """The commands of `pixbench --help`, grouped by purpose."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """See click.Group."""
        for title, names in GROUPS.items():
            self.section(formatter, title, names)


class GenerateCommand(TyperCommand):
    """`pixbench generate GENERATOR --help` also lists the settings of that generator."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """See click.Command."""
        ctx.meta["generator"] = next((arg for arg in args if not arg.startswith("-")), None)
        return super().parse_args(ctx, args)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """See click.Command."""
        from ..generation.protocol import GENERATORS
        from .settings import setting_rows

        name = ctx.meta["generator"]
        if name not in GENERATORS.names():
            super().format_options(ctx, formatter)
            return
        fields = GENERATORS.get(name).config_type.model_fields
        own = [each for each in self.params if each.name not in ("objects", "rooms") or each.name in fields]
        records = [record for each in own if (record := each.get_help_record(ctx)) is not None]
        defaults = {f"--{each}": str(field.default) for each, field in fields.items()}
        records = [(names, _with_default(words, defaults.get(names.split()[0]))) for names, words in records]
        with formatter.section("Options"):
            formatter.write_dl(records)
        options = {each.name for each in self.params}
        with formatter.section(f"Settings of {name}, as --set NAME=VALUE"):
            formatter.write_dl([(each, words) for each, words in setting_rows(GENERATORS.get(name).config_type) if each not in options])

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """See click.Command."""
        from ..generation.protocol import GENERATORS

        name = ctx.meta["generator"]
        if name in GENERATORS.names():
            size = GENERATORS.get(name).config_type.model_fields["size"].default
            self.epilog = f"Example: pixbench generate {name} --out data/train --scenes 24 --size {size}"
        super().format_epilog(ctx, formatter)


def _with_default(words: str, default: str | None) -> str:
    """The help of an option, with the default of the generator that was named."""
    return words if default is None else re.sub(r"Default: [^.]+\.", f"Default: {default}.", words)


def add_examples(app: typer.Typer, group: str = "") -> None:
    """Append its example to the help of each command, and of each command of a group."""
    for command in app.registered_commands:
        name = command.name or getattr(command.callback, "__name__", "").replace("_", "-")
        command.epilog = f"Example: {EXAMPLES[f'{group} {name}'.strip()]}"
    for each in app.registered_groups:
        each.cls, each.epilog = Commands, f"Example: {EXAMPLES[str(each.name)]}"
        if each.typer_instance is not None:
            add_examples(each.typer_instance, str(each.name))
