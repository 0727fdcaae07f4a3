"""Tables as Markdown, CSV, LaTeX and HTML: the same records give the same bytes."""

import csv
import io
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from ..io.files import write_whole
from .entries import seed_of
from .pareto import pareto_points, pareto_svg
from .tables import Table

PLOT = "pareto.svg"
"""Written only if it shows a trade-off."""

LONG_HEADER = (
    *("task", "suite", "recipe_sha256", "rank", "model", "p", "channels", "metric", "version", "metric_sha256"),
    *("mean", "low", "high", "p_method_above", "seeds", "each_seed", "predictions_sha256"),
)

TEX = str.maketrans(
    {char: f"\\{char}" for char in "&%$#_{}"} | {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}"}
)
TEX_SYMBOLS = {"δ": r"$\delta$", "≥": r"$\geq$", "°": r"$^\circ$", "–": "--", "<": "$<$", ">": "$>$"}


def markdown(table: Table) -> str:
    """A table with its title and caption."""
    lines = ["| " + " | ".join(table.header) + " |", "|---|" + "---|" * (len(table.header) - 1)]
    lines += ["| " + " | ".join(map(_cell, row)) + " |" for row in table.cells]
    return f"**{table.title}**\n\n" + "\n".join(lines) + f"\n\n{table.caption}\n"


def _cell(text: str) -> str:
    """Text escaped for Markdown: names come from users."""
    return " ".join(escape(text, quote=False).replace("|", r"\|").replace("[", r"\[").split())


def long_csv(tables: Sequence[Table]) -> str:
    """Every metric of every row, one per line, with the hashes of its definition and of the predictions that it can be checked with."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(LONG_HEADER)
    for table in tables:
        first = next(iter(table.columns))
        for row in table.rows:
            record = row.entry.first
            seeds = [seed_of(each.record) for each in row.entry.stored]
            files = [each.record.predictions.sha256 for each in row.entry.stored]
            who = (table.task, table.suite, record.data.recipe_sha256, row.rank, row.entry.name)
            for name, value in record.metrics.items():
                mean = row.entry.mean(name)
                low, high = row.bounds if row.bounds and name == first else ("", "")
                numbers = ("" if mean is None else f"{mean:.6g}", *(f"{bound:.6g}" if bound != "" else "" for bound in (low, high)))
                p = f"{row.p_above:.4g}" if row.p_above is not None and name == first else ""
                each = " ".join(f"{one:.6g}" for one in row.entry.values(name))
                info = (record.model_info.get("p", ""), record.model_info.get("channels", ""))
                listed = " ".join("-" if seed is None else str(seed) for seed in seeds)
                writer.writerow([*who, *info, name, value.version, value.sha256, *numbers, p, listed, each, " ".join(files)])
    return text.getvalue()


def latex(table: Table) -> str:
    """A table for the packages booktabs and graphicx, as wide as the text."""
    columns = "l" + "r" * (len(table.header) - 1)
    rows = [" & ".join(map(_tex, row)) + r" \\" for row in table.cells]
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{_tex(table.title)}. {_tex(table.caption)}}}",
            r"\resizebox{\textwidth}{!}{%",
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            " & ".join(map(_tex, table.header)) + r" \\",
            r"\midrule",
            *rows,
            r"\bottomrule",
            r"\end{tabular}}",
            r"\end{table}",
            "",
        ]
    )


def _tex(text: str) -> str:
    escaped = text.translate(TEX)
    for symbol, written in TEX_SYMBOLS.items():
        escaped = escaped.replace(symbol, written)
    return escaped


def template(name: str, **values: Any) -> str:
    """An HTML template of this package, filled with escaped values."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("pixbench.leaderboard"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(name).render(**values) + "\n"


def rendered(tables: Sequence[Table]) -> dict[str, str]:
    """The text of every file of the leaderboard."""
    plot = pareto_svg(pareto_points(tables))
    return {
        "leaderboard.md": "\n".join(markdown(table) for table in tables),
        "leaderboard.csv": long_csv(tables),
        "leaderboard.tex": "% needs the packages booktabs and graphicx\n" + "\n".join(latex(table) for table in tables),
        "leaderboard.html": template("leaderboard.html", tables=tables, plot=plot),
        **({PLOT: plot} if plot else {}),
    }


def write(tables: Sequence[Table], out: Path) -> list[str]:
    """Write all files, and remove a plot that no longer belongs to them. Returns their names."""
    out.mkdir(parents=True, exist_ok=True)
    files = rendered(tables)
    for name, text in files.items():
        write_whole(out / name, text)
    if PLOT not in files:
        (out / PLOT).unlink(missing_ok=True)
    return list(files)


def differing(tables: Sequence[Table], out: Path) -> list[str]:
    """Names of files in a folder that differ from those that the records give."""
    files = rendered(tables)
    stale = [PLOT] if PLOT not in files and (out / PLOT).exists() else []
    return [name for name, text in files.items() if not (out / name).is_file() or (out / name).read_text(encoding="utf-8") != text] + stale
