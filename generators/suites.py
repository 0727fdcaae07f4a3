"""Fixed test sets. A published suite never changes: a mended one gets a new name."""

from pixbench.evaluation.suite import Suite

MINI = Suite(
    name="mini",
    title="16 furnished rooms, 4 views of 128 x 128 pixels, lights and colours differ from view to view",
    generator="3d",
    config={"split": "test", "scenes": 16, "views": 4, "size": 128, "seed": 2026, "scenes_per_shard": 4},
)
