"""The fixed test suites. A published suite never changes: a corrected one gets a new version, and the old one remains available for its
rows.
"""

from pixbench.evaluation.matching.levels.level import Level
from pixbench.evaluation.probing.domains import DomainSuite
from pixbench.evaluation.probing.segmentation import RoomSuite
from pixbench.evaluation.suite import GeneratedSuite

from .photos import PhotoSuite

LEVELS = (
    Level("easy", angle_deg=(0, 15), visible_share=0.4, scale=1.5, anisotropy=1.5),
    Level("medium", angle_deg=(15, 45), visible_share=0.25, scale=2.0, anisotropy=2.5),
    Level("hard", angle_deg=(45, 180), visible_share=0.1, scale=4.0, anisotropy=8.0),
)

MINI_SCENES = {"split": "test", "scenes": 16, "views": 8, "size": 128, "seed": 2040, "scenes_per_shard": 4, "baseline_m": [0.1, 6.0]}

MINI = GeneratedSuite(
    name="mini",
    title="16 furnished rooms, 8 views of 128 x 128 pixels, 48 pairs of each of three levels",
    version=2,
    generator="3d",
    config=MINI_SCENES,
    query_stride=5,
    levels=LEVELS,
    per_level=48,
    fingerprint={"pixels": 14680064, "visible": 1565190, "occluded": 894870, "photometric_correlation": 0.9674, "queries": 62948},
)

MINI_LIGHT = GeneratedSuite(
    name="mini-light",
    title="the easy pairs of mini, with other lights, colour temperatures and exposures in each view",
    version=1,
    generator="3d",
    config={
        **MINI_SCENES,
        "light_variation": 1.2,
        "light_temperature_k": [2000.0, 15000.0],
        "exposure_variation_ev": 1.2,
        "color_variation": 0.3,
    },
    query_stride=5,
    levels=LEVELS[:1],
    per_level=48,
    fingerprint={"pixels": 14680064, "visible": 1565190, "occluded": 894870, "photometric_correlation": 0.9514, "queries": 24361},
)

STANDARD = GeneratedSuite(
    name="standard",
    title="24 furnished rooms, 6 views of 256 x 256 pixels, 60 pairs of each of three levels",
    version=2,
    generator="3d",
    config={"split": "test", "scenes": 24, "views": 6, "size": 256, "seed": 2042, "scenes_per_shard": 4, "baseline_m": [0.1, 6.0]},
    query_stride=20,
    levels=LEVELS,
    per_level=60,
    fingerprint={"pixels": 47185920, "visible": 1112012, "occluded": 1162737, "photometric_correlation": 0.9743, "queries": 20471},
)

MINI_1 = GeneratedSuite(
    name="mini",
    title="16 furnished rooms, 4 views of 128 x 128 pixels, 192 pairs, lights and colours differ from view to view",
    version=1,
    superseded=True,
    generator="3d",
    config={"split": "test", "scenes": 16, "views": 4, "size": 128, "seed": 2026, "scenes_per_shard": 4},
    fingerprint={"pixels": 3145728, "visible": 349261, "occluded": 222231, "photometric_correlation": 0.9653},
)

STANDARD_1 = GeneratedSuite(
    name="standard",
    title="50 furnished rooms, 5 views of 256 x 256 pixels, 1,000 pairs",
    version=1,
    superseded=True,
    generator="3d",
    config={"split": "test", "scenes": 50, "views": 5, "size": 256, "seed": 2027, "scenes_per_shard": 5},
    query_stride=20,
    fingerprint={"pixels": 65536000, "visible": 1546453, "occluded": 1661039, "photometric_correlation": 0.978},
)

SHAPENET_SCENENN = GeneratedSuite(
    name="shapenet-scenenn",
    title="your ShapeNet models in your SceneNN rooms, 50 scenes, 5 views of 256 x 256 pixels, 1,000 pairs",
    version=1,
    generator="3d",
    config={
        "split": "test",
        "scenes": 50,
        "views": 5,
        "size": 256,
        "seed": 2028,
        "scenes_per_shard": 5,
        "objects": ["shapenet"],
        "rooms": ["scenenn"],
    },
    query_stride=20,
    own=("objects", "rooms"),
)


def _colored_mnist(cut: str, *, title: str) -> DomainSuite:
    return DomainSuite(
        name=f"colored-mnist-{cut}",
        title=title,
        version=1,
        domain_set="colored-mnist",
        source="mnist-5000",
        cut=cut,
        seed=0,
        size=32,
        stride=4,
    )


# Titles are written out, so that `pixbench list suites` finds them in the source.
COLORED_MNIST_AUTHORS = _colored_mnist(
    "authors", title="frozen descriptors of 5,000 coloured digits, the cut of authors: ID and OOD accuracy"
)
COLORED_MNIST_IRM = _colored_mnist("irm", title="frozen descriptors of 5,000 coloured digits, the cut of irm: ID and OOD accuracy")
COLORED_MNIST_DOMAINBED = _colored_mnist(
    "domainbed", title="frozen descriptors of 5,000 coloured digits, the cut of domainbed: ID and OOD accuracy"
)

ROOM_CLASSES = RoomSuite(
    name="room-classes",
    title="frozen descriptors of rooms: classes of pixels in seen and unseen rooms, instances, edges",
    version=1,
    seen=GeneratedSuite(
        name="room-classes-seen",
        title="32 rooms, 4 views of 128 x 128 pixels",
        version=1,
        generator="3d",
        config={"split": "train", "scenes": 32, "views": 4, "size": 128, "seed": 2030, "scenes_per_shard": 4},
    ),
    unseen=GeneratedSuite(
        name="room-classes-unseen",
        title="12 other rooms and objects, lights and colours vary twice as much",
        version=1,
        generator="3d",
        config={
            "split": "test",
            "scenes": 12,
            "views": 4,
            "size": 128,
            "seed": 2031,
            "scenes_per_shard": 4,
            "light_variation": 0.9,
            "color_variation": 0.16,
            "exposure_variation_ev": 0.8,
        },
    ),
    stride=6,
)

PHOTOS = PhotoSuite(name="photos", title="photographs with known truth: graf both ways, motorcycle and aloe, 640 px", version=1)
