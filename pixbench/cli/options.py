"""Options that several commands have."""

from typing import Annotated

import typer

Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Any other setting: see 'pixbench settings'; may be repeated."),
]
Sources = Annotated[list[str] | None, typer.Option(metavar="KIND[:PATH][@WEIGHT]", help="As for 'pixbench generate'.")]
TrustCode = Annotated[
    bool,
    typer.Option("--trust-code", help="Let a model run its own code: a factory, TorchScript, torch.export. See SECURITY.md."),
]
Threads = Annotated[int | None, typer.Option(min=1, help="Computing threads. Default: OMP_NUM_THREADS, or one per core that is idle now.")]
Scales = Annotated[
    str | None,
    typer.Option(
        metavar="FACTORS",
        help="Describe images at these sizes, such as 0.5,1,1.4, and join the descriptors. Default: 1; pretrained:NAME has its own.",
    ),
]
