"""Categories of the furniture library of Sweet Home 3D, and the rules for which pieces are usable as objects in a room."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """A category: its name, its synset (empty if ShapeNetCore has none), and its placement (see Asset; empty means by size)."""

    category: str
    synset: str = ""
    placement: str = ""


@dataclass(frozen=True)
class CatalogPiece:
    """Input of the rules: name and catalogue category in lower case, size and height above the floor in metres."""

    name: str
    group: str
    width: float
    depth: float
    height: float
    elevation: float = 0.0


# The first pattern that matches "name [catalogue category]" applies.
RULES: tuple[tuple[str, Kind], ...] = tuple(
    (pattern, Kind(category, synset, placement))
    for category, synset, placement, pattern in (
        ("lamp", "03636649", "", r"lamp|lantern"),
        ("piano", "03928116", "wall", r"piano \["),
        ("bench", "02828884", "floor", r"^(piano |concrete |painted )?bench|(little|wood) bank"),
        ("bed", "02818832", "wall", r"\bbed \[|crib|^futon \[|opened convertible"),
        ("sofa", "04256520", "wall", r"sofa|couch"),
        ("bathtub", "02808440", "wall", r"^(island )?bath \[|bathtub"),
        ("file cabinet", "03337140", "wall", r"filing cabinet"),
        ("display", "03211117", "surface", r"^tv( 16:9)? \["),
        ("bookshelf", "02871439", "wall", r"bookcase|shelves"),
        ("laptop", "03642806", "surface", r"laptop|ibook"),
        ("microwave", "03761084", "surface", r"microwave"),
        ("stove", "04330267", "wall", r"\boven|^(large|propane) stove"),
        ("washer", "04554684", "wall", r"washing machine|dryer"),
        ("printer", "04004475", "surface", r"printer"),
        ("telephone", "04401088", "surface", r"^(wireless )?phone"),
        ("cellphone", "02992529", "surface", r"mobile phone|iphone"),
        ("remote", "04074963", "surface", r"remote control"),
        ("camera", "02942699", "surface", r"^(reflex )?camera"),
        ("speaker", "03691459", "", r"^speaker|^mp3"),
        ("earphone", "03261776", "surface", r"headphones"),
        ("guitar", "03467517", "wall", r"guitar"),
        ("clock", "03046257", "surface", r"^clock"),
        ("knife", "03624134", "surface", r"knife \["),
        ("bottle", "02876657", "surface", r"bottle|flacon"),
        ("bowl", "02880940", "surface", r"^bowl"),
        ("mug", "03797390", "surface", r"mug|coffee cup|^cup \["),
        ("jar", "03593526", "surface", r"\bjar\b|^vase|pottery|cosmetics pot"),
        ("basket", "02801938", "floor", r"basket \["),
        ("ash bin", "02747177", "floor", r"trash ?can|dustbin|recycling bin"),
        ("flowerpot", "03991062", "", r"plant|(flower|plant) ?box|ficus|yucca|spathiphyllum|bonsai|cactus|bamboo|orchids"),
        ("flowerpot", "03991062", "", r"^flowers|tulips|white lily"),
        ("bag", "02773838", "floor", r"suitcase"),
        ("bag", "02773838", "", r"backpack|briefcase|handbag"),
        ("cap", "02954340", "surface", r"^cap \["),
        ("helmet", "03513137", "surface", r"helmet"),
        ("skateboard", "04225987", "floor", r"skateboard"),
        ("bicycle", "02834778", "floor", r"^(bicycle|bike) \["),
        ("airplane", "02691156", "surface", r"biplane"),
        ("car", "02958343", "surface", r"car model"),
        ("train", "04468005", "surface", r"toy train"),
        # Objects whose name contains "table" or "cabinet" but that are neither come before these rules.
        ("table tennis bat", "", "surface", r"table tennis bat"),
        ("fan", "", "surface", r"\bfan \["),
        ("table", "04379243", "floor", r"\btable\b|desk|workbench"),
        ("chair", "03001627", "floor", r"chair|seat \[|pool lounge"),
        ("sink", "", "wall", r"^sink|washbasin|vanity"),
        ("cabinet", "02933112", "wall", r"cabinet|cupboard|wardrobe|dresser|tv stand|^chest \[|^island|contemporary living room"),
        ("cabinet", "02933112", "wall", r"^box \[(living room|office)"),
        # ------------------------------------------------------------------------------------------------------------
        ("stool", "", "floor", r"stool"),
        ("ottoman", "", "floor", r"^puff"),
        ("refrigerator", "", "wall", r"fridge|refrigerator|freezer"),
        ("cooktop", "", "surface", r"cooktop|induction|^stove"),
        ("toilet", "", "wall", r"toilets unit"),
        ("fixture", "", "wall", r"bidet|shower stall|radiator|fireplace|furnace"),
        ("aquarium", "", "", r"aquarium"),
        ("desktop computer", "", "surface", r"imac"),
        ("synthesizer", "", "surface", r"^keyboard"),
        ("rug", "", "floor", r"rug|carpet|bathmat|doormat|tatami"),
        ("mattress", "", "floor", r"mattress|sleeping bag"),
        ("box", "", "floor", r"^(cardboard |open cardboard )?box \[|crate|trunck"),
        ("place setting", "", "surface", r"^plate, "),
        ("plate", "", "surface", r"plate \["),
        ("glass", "", "surface", r"glass \[|plastic cup"),
        ("glasses", "", "surface", r"glasses"),
        ("picture frame", "", "surface", r"^frame "),
        ("banknote", "", "surface", r"^bill "),
        ("kitchen utensil", "", "surface", r"^tool \["),
        ("coffee machine", "", "surface", r"coffee (brewer|machine|maker)"),
        ("soap dispenser", "", "surface", r"^soap"),
        ("milk carton", "", "surface", r"^milk"),
        ("ashtray", "", "surface", r"h?ashtray"),
        ("shoe", "", "floor", r"bootie|slippers|mocassin|sneakers|shoes"),
        ("garment", "", "surface", r"^(dress|jacket|shorts?|skirt|trousers|suit|socket|glove) \[bedroom"),
        ("towel", "", "surface", r"^towel"),
        ("exercise machine", "", "floor", r"indoor bike|abdominal bench|fitness tower|treadmill|punching ball"),
        ("pinball machine", "", "wall", r"flipper"),
        ("ball", "", "floor", r"basketball|soccer ball"),
        ("stereo", "", "surface", r"stereo"),
        ("game console", "", "surface", r"playstation"),
        ("cat", "", "floor", r"\bcat \["),
        ("dog", "", "floor", r"^(dog|bulldog) \["),
        ("ladder", "", "floor", r"step ladder"),
        ("scale", "", "surface", r"scale"),
    )
)

OUTDOOR_TOO = {"chair", "table", "bench", "sofa", "ash bin", "flowerpot", "bottle"}
"""Categories of garden furniture that are plausible indoors."""

HUNG = re.compile(r"hood \[|smoke detector|cctv|shower curtain|water heater|urinal|hanger|wire coathanger|dart game")
BUILDING = re.compile(r"fence|chimney|shipping container|fork lift|shower door|^cone|pallet|mower|wood logs")
TALLEST_M, WIDEST_M, LONGEST_VEHICLE_M = 2.4, 3.5, 1.55


def why_left_out(piece: CatalogPiece) -> str:
    """Reason why a piece is not used as an object; empty if it is used."""
    text = f"{piece.name} [{piece.group}]"
    if piece.group in ("doors and windows", "staircases"):
        return "door, window or staircase"
    if piece.group == "characters" and kind_of(piece).category not in ("cat", "dog") and piece.name not in ("rabbit", "chicken"):
        return "person or large animal"
    if piece.elevation > 0 or HUNG.search(text):
        return "hung on a wall or from a ceiling"
    if (piece.group == "exterior" and kind_of(piece).category not in OUTDOOR_TOO) or BUILDING.search(text):
        return "outdoor or part of a building"
    if piece.group == "vehicles" and max(piece.width, piece.depth) > LONGEST_VEHICLE_M:
        return "outdoor or part of a building"
    if piece.height > TALLEST_M or max(piece.width, piece.depth) > WIDEST_M:
        return "larger than a room has place for"
    return ""


def kind_of(piece: CatalogPiece) -> Kind:
    """The category of a piece by the rules, otherwise its own name; its placement follows from its size if the rules give none."""
    text = f"{piece.name} [{piece.group}]"
    found = next((kind for pattern, kind in RULES if re.search(pattern, text)), Kind(piece.name))
    return Kind(found.category, found.synset, found.placement or _placement(piece))


def _placement(piece: CatalogPiece) -> str:
    return "floor" if piece.height > 0.6 or max(piece.width, piece.depth) > 0.75 else "surface"
