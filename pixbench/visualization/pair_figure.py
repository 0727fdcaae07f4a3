"""A pair of views and its true matches in one figure."""

import numpy as np
from matplotlib.figure import Figure

from ..geometry.pixels import pixel_centres
from ..training.data.pairs import PairSample
from .figures import Image, ShownFigure, carried_colours, place_colours, show_image


def pair_figure(pair: PairSample, title: str = "") -> Figure:
    """Both views; view a with a colour for each pixel that view b sees, grey elsewhere; and the true positions of these pixels in view
    b.
    """
    rgb_a, rgb_b = _bytes(pair.image_a.numpy()), _bytes(pair.image_b.numpy())
    visible = pair.visible.numpy()
    height, width = visible.shape
    colours, centres = place_colours(width, height)[visible], pixel_centres(width, height)[visible]
    panels = {
        "view a": rgb_a,
        "view b": rgb_b,
        f"seen by b: {visible.mean():.0%} of a": carried_colours(rgb_a, centres, colours),
        "the same points in b": carried_colours(rgb_b, pair.uv_b.numpy()[visible], colours),
    }
    figure = ShownFigure(figsize=(10, 2.9), layout="constrained")
    for axes, (name, image) in zip(figure.subplots(1, 4), panels.items(), strict=True):
        show_image(axes, image, name)
    figure.suptitle(title or f"scene {pair.scene}, view {pair.a} to view {pair.b}", fontsize=10)
    return figure


def _bytes(image: np.ndarray) -> Image:
    return (image.transpose(1, 2, 0) * 255).round().astype(np.uint8)
