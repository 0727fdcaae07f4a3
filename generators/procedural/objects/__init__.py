"""Procedural objects of real categories, each varied by its seed."""

from dataclasses import replace

import numpy as np

from ...scene import Asset
from .base import Category
from .bed import bed
from .bin import ash_bin, basket
from .bookshelf import bookshelf
from .cabinet import cabinet
from .chair import chair
from .clock import clock
from .display import display
from .flowerpot import flowerpot
from .lamp import lamp
from .laptop import laptop
from .sofa import sofa
from .speaker import speaker
from .table import table
from .vessels import bottle, bowl, jar, mug

CATEGORIES: dict[str, Category] = {
    category.name: category
    for category in (
        Category("ash bin", "02747177", ash_bin),
        Category("basket", "02801938", basket),
        Category("bed", "02818832", bed),
        Category("bookshelf", "02871439", bookshelf),
        Category("bottle", "02876657", bottle),
        Category("bowl", "02880940", bowl),
        Category("cabinet", "02933112", cabinet),
        Category("chair", "03001627", chair),
        Category("clock", "03046257", clock),
        Category("display", "03211117", display),
        Category("flowerpot", "03991062", flowerpot),
        Category("jar", "03593526", jar),
        Category("lamp", "03636649", lamp),
        Category("laptop", "03642806", laptop),
        Category("mug", "03797390", mug),
        Category("sofa", "04256520", sofa),
        Category("speaker", "03691459", speaker),
        Category("table", "04379243", table),
    )
}


def build(category_name: str, seed: int) -> Asset:
    """The object that a seed generates in a category (a key of CATEGORIES)."""
    category = CATEGORIES[category_name]
    made = category.build(rng=np.random.default_rng(np.random.SeedSequence([seed])))
    return replace(
        made,
        id=object_id(category_name, seed),
        category=category_name,
        synset=category.synset,
    )


def object_id(category_name: str, seed: int) -> str:
    """The id of the object that a seed generates in a category."""
    return f"procedural/{category_name.replace(' ', '-')}/{seed:016x}"
