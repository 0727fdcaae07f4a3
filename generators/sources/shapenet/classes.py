"""The classes of ShapeNetCore and the real size of their objects: its models are scaled to a unit box."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ShapeClass:
    """A class: WordNet synset, name, and the longest edge of a typical one, in metres.

    `spread` is the range of sizes: 0.25 means from 1 / 1.25 to 1.25 times `longest_m`. `placement`: see Asset.
    """

    synset: str
    name: str
    longest_m: float
    spread: float = 0.15
    placement: str = "surface"
    indoor: bool = True


CLASSES: dict[str, ShapeClass] = {
    item.synset: item
    for item in (
        ShapeClass("02691156", "airplane", 30.0, 0.5, "floor", indoor=False),
        ShapeClass("02747177", "ash bin", 0.45, 0.4, "floor"),
        ShapeClass("02773838", "bag", 0.42, 0.3, "floor"),
        ShapeClass("02801938", "basket", 0.4, 0.3, "floor"),
        ShapeClass("02808440", "bathtub", 1.7, 0.08, "wall"),
        ShapeClass("02818832", "bed", 2.1, 0.08, "wall"),
        ShapeClass("02828884", "bench", 1.4, 0.25, "wall"),
        ShapeClass("02843684", "birdhouse", 0.35, 0.3, "floor", indoor=False),
        ShapeClass("02871439", "bookshelf", 1.8, 0.2, "wall"),
        ShapeClass("02876657", "bottle", 0.28, 0.2),
        ShapeClass("02880940", "bowl", 0.22, 0.3),
        ShapeClass("02924116", "bus", 11.0, 0.15, "floor", indoor=False),
        ShapeClass("02933112", "cabinet", 1.2, 0.35, "wall"),
        ShapeClass("02942699", "camera", 0.14, 0.2),
        ShapeClass("02946921", "can", 0.13, 0.2),
        ShapeClass("02954340", "cap", 0.27, 0.1),
        ShapeClass("02958343", "car", 4.4, 0.12, "floor", indoor=False),
        ShapeClass("02992529", "cellphone", 0.14, 0.12),
        ShapeClass("03001627", "chair", 0.92, 0.12, "floor"),
        ShapeClass("03046257", "clock", 0.35, 0.4),
        ShapeClass("03085013", "keyboard", 0.44, 0.08),
        ShapeClass("03207941", "dishwasher", 0.85, 0.05, "wall"),
        ShapeClass("03211117", "display", 0.58, 0.2),
        ShapeClass("03261776", "earphone", 0.19, 0.1),
        ShapeClass("03325088", "faucet", 0.28, 0.25),
        ShapeClass("03337140", "file cabinet", 1.0, 0.3, "wall"),
        ShapeClass("03467517", "guitar", 1.0, 0.08, "floor"),
        ShapeClass("03513137", "helmet", 0.3, 0.1),
        ShapeClass("03593526", "jar", 0.22, 0.4),
        ShapeClass("03624134", "knife", 0.28, 0.25),
        ShapeClass("03636649", "lamp", 0.6, 0.4),
        ShapeClass("03642806", "laptop", 0.36, 0.08),
        ShapeClass("03691459", "speaker", 0.5, 0.5, "floor"),
        ShapeClass("03710193", "mailbox", 1.1, 0.3, "floor", indoor=False),
        ShapeClass("03759954", "microphone", 0.22, 0.3),
        ShapeClass("03761084", "microwave", 0.5, 0.1),
        ShapeClass("03790512", "motorbike", 2.1, 0.1, "floor", indoor=False),
        ShapeClass("03797390", "mug", 0.12, 0.12),
        ShapeClass("03928116", "piano", 1.5, 0.1, "wall"),
        ShapeClass("03938244", "pillow", 0.5, 0.15),
        ShapeClass("03948459", "pistol", 0.21, 0.2, indoor=False),
        ShapeClass("03991062", "flowerpot", 0.55, 0.6, "floor"),
        ShapeClass("04004475", "printer", 0.48, 0.2),
        ShapeClass("04074963", "remote", 0.18, 0.2),
        ShapeClass("04090263", "rifle", 1.0, 0.15, indoor=False),
        ShapeClass("04099429", "rocket", 40.0, 0.5, "floor", indoor=False),
        ShapeClass("04225987", "skateboard", 0.8, 0.05, "floor"),
        ShapeClass("04256520", "sofa", 2.0, 0.2, "wall"),
        ShapeClass("04330267", "stove", 0.9, 0.08, "wall"),
        ShapeClass("04379243", "table", 1.3, 0.25, "floor"),
        ShapeClass("04401088", "telephone", 0.22, 0.15),
        ShapeClass("04460130", "tower", 60.0, 0.5, "floor", indoor=False),
        ShapeClass("04468005", "train", 20.0, 0.2, "floor", indoor=False),
        ShapeClass("04530566", "watercraft", 12.0, 0.5, "floor", indoor=False),
        ShapeClass("04554684", "washer", 0.87, 0.05, "wall"),
    )
}


def class_of(synset: str, name: str = "") -> ShapeClass:
    """The class of a synset. A class that is not in ShapeNetCore is named `name`, has a size of half a metre, and is not used in rooms."""
    return CLASSES.get(synset) or ShapeClass(synset, name or synset, 0.5, indoor=False)


def class_named(name: str) -> ShapeClass | None:
    """The class with a name, whose words may be separated by spaces, hyphens or underscores; None if there is none."""
    plain = name.lower().replace("-", " ").replace("_", " ")
    return next((item for item in CLASSES.values() if item.name == plain), None)
