"""Pages that are made from the code itself, so that they cannot say anything else.

Formats and metrics are committed, so that they can be read without the site: `python docs/hooks.py` writes them again. Commands and the
leaderboard are added when the site is built.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from typer.main import get_command

from pixbench.cli import app
from pixbench.dataset.manifest import Manifest
from pixbench.dataset.schema import FIELDS
from pixbench.evaluation.record import Record
from pixbench.evaluation.task import metrics_of, ordered_tasks
from pixbench.geometry.correspondence import STATUS_MEANING

ROOT = Path(__file__).parents[1]
MARKER = "<!-- Made by `python docs/hooks.py` from the code: edit nothing below. -->\n\n"
PLOT = ROOT / "results" / "leaderboard" / "pareto.svg"
LONGEST_NAME = 44
"""Characters of a name that a phone shows in one line."""


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Adds what is made from the code to the page of that name; writes formulas as MathML, which browsers draw without a script."""
    made = {"commands.md": commands, "leaderboard.md": leaderboard}
    make = made.get(page.file.src_uri)
    typeset = re.sub(r"\$\$(.+?)\$\$", lambda formula: convert(formula[1], display="block"), markdown, flags=re.DOTALL)
    return typeset if make is None else f"{typeset}\n\n{make()}"


def on_page_content(html: str, **_: Any) -> str:
    """Marks names in code and in cells of tables, so that they are not broken at their hyphens."""
    html = re.sub(rf"<code>([^<\s]{{1,{LONGEST_NAME}}})</code>", r'<code class="name">\1</code>', html)
    return re.sub(rf"<td([^>]*)>([\w-]{{1,{LONGEST_NAME}}})</td>", r'<td\1 class="name">\2</td>', html)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the leaderboard's plot, if there is one."""
    if PLOT.exists():
        files.append(File.generated(config, PLOT.name, content=PLOT.read_text()))
    return files


def formats() -> str:
    """Shards, manifest, records and predictions."""
    fields = [f"| `{name}` | {field.dtype} | {field.axes} | {field.unit} | {field.meaning} |" for name, field in FIELDS.items()]
    statuses = [f"| {int(status)} | {status.name.lower().replace('_', ' ')} | {words} |" for status, words in STATUS_MEANING.items()]
    return "\n".join(
        [
            "## Shards\n",
            "A data set is a folder: `dataset.json`, and `shards/NNNNN.h5`. A shard is plain HDF5 with one group per scene; h5py reads it. "
            "Capital letters are sizes: V views, H rows, W columns, P ordered pairs, O objects, L lights, T tracked points, C "
            "control points, N names. Every dataset carries its unit, axes and meaning as attributes. Attributes of the group: `recipe` "
            "(all that is needed to make the scene again) and `self_test`, as JSON.\n",
            "| field | type | axes | unit | meaning |\n|---|---|---|---|---|",
            *fields,
            "\nCodes of `status` and `track_status`:\n",
            "| code | status | meaning |\n|---|---|---|",
            *statuses,
            "\n## dataset.json\n",
            *_schema(Manifest.model_json_schema()),
            "\n## Records\n",
            "One JSON file per evaluation; unknown fields are refused. [JSON Schema](record.schema.json), also from "
            "`pixbench leaderboard schema`.\n",
            *_schema(Record.model_json_schema()),
            "\n## Predictions\n",
            "HDF5 beside the record. Predictions of all pairs are concatenated; those of pair k are rows `start[k]` to `start[k + 1]`.\n",
            "| dataset | type | meaning |\n|---|---|---|",
            "| `pairs` | int32 (pairs, 3) | scene, view a, view b |",
            "| `start` | int64 (pairs + 1) | first query of each pair, and the end |",
            "| `pixel` | uint16 (queries, 2) | column and row in image a |",
            "| `uv` | float32 (queries, 2) | the match, pixels in image b; NaN: no match |",
            "| `distance`, `ratio`, `back_px`, `closer` | float16 (queries) | see [Evaluate](evaluation.md); NaN: not available |",
            "| `points`, `points_a`, `points_b` | int64, float32 | a matcher's own matches: number in each pair, and positions |",
            "",
        ]
    )


def _schema(schema: dict[str, Any]) -> Iterator[str]:
    """Tables of a schema's own fields, then of the classes that they refer to."""
    yield from _fields(schema)
    for name, part in schema.get("$defs", {}).items():
        yield f"\n### {name}\n"
        yield from _fields(part)


def _fields(part: dict[str, Any]) -> Iterator[str]:
    yield f"{' '.join(part.get('description', '').split())}\n"
    yield "| field | type | meaning |\n|---|---|---|"
    for name, field in part["properties"].items():
        meaning = field.get("description", "") + ("" if name in part.get("required", ()) or "const" in field else " *(may be left out)*")
        yield f"| `{name}` | {_type(field)} | {' '.join(meaning.split())} |"


def _type(field: dict[str, Any]) -> str:
    if "$ref" in field:
        name = field["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in field:
        return " or ".join(_type(each) for each in field["anyOf"])
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return ", ".join(f"`{each}`" for each in field["enum"])
    if field.get("type") == "array":
        return f"list of {_type(field['items'])}"
    if field.get("type") == "object" and isinstance(field.get("additionalProperties"), dict):
        return f"name to {_type(field['additionalProperties'])}"
    return str(field.get("type", "any"))


def metrics() -> str:
    """Every metric with its definition."""
    lines: list[str] = []
    for task in ordered_tasks():
        lines += [f"## {task.name.capitalize()}\n", "| id | version, hash | better | definition |\n|---|---|---|---|"]
        for metric in metrics_of(task.name):
            better = "higher" if metric.higher_is_better else "lower"
            lines.append(f"| `{metric.id}` | {metric.version}, `{metric.sha256()[:12]}` | {better} | {metric.definition} |")
        lines.append("")
    return "\n".join(lines)


def commands() -> str:
    """Every command with its options."""
    return "\n".join(_command(get_command(app), "pixbench"))


def _command(command: Any, name: str) -> Iterator[str]:
    if hasattr(command, "commands"):
        for part, below in sorted(command.commands.items()):
            yield from _command(below, f"{name} {part}")
        return
    context = click.Context(command, info_name=name)
    words = " ".join(piece for piece in command.collect_usage_pieces(context) if piece != "[OPTIONS]")
    yield f"## {name}\n"
    yield f"`{f'{name} {words}'.strip()}`\n"
    yield f"{' '.join((command.help or '').split())}\n"
    yield f"```sh\n{(command.epilog or '').removeprefix('Example: ')}\n```\n"
    records = [record for parameter in command.params if (record := parameter.get_help_record(context)) and record[0] != "--help"]
    if records:
        yield "| option | |\n|---|---|"
        for option, text in records:
            yield f"| `{option.replace('|', chr(92) + '|')}` | {' '.join(text.split()).replace('|', chr(92) + '|')} |"
        yield ""


def leaderboard() -> str:
    """The committed tables."""
    return "\n".join(
        [
            "<style>.md-grid { max-width: 100rem; }"
            " .md-typeset table:not([class]) :is(td, th) { white-space: nowrap; padding: .4em .35em; font-size: .58rem; }"
            " .md-typeset table:not([class]) th { white-space: normal; vertical-align: bottom; }"
            " .md-typeset table:not([class]) td:last-child { min-width: 0; }</style>\n",
            *(["![Matching against accuracy of each checkpoint](pareto.svg)\n"] if PLOT.exists() else []),
            (ROOT / "results" / "leaderboard" / "leaderboard.md").read_text(),
        ]
    )


def committed_pages() -> dict[Path, str]:
    """The pages that are committed with what is made from the code: path and the text that they should have."""
    pages = {ROOT / "docs" / "formats.md": formats, ROOT / "docs" / "metrics.md": metrics}
    return {page: f"{page.read_text().partition(MARKER)[0]}{MARKER}{make().rstrip()}\n" for page, make in pages.items()}


if __name__ == "__main__":
    for page, text in committed_pages().items():
        page.write_text(text)
