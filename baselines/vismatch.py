"""Any of the more than fifty matchers of vismatch, with the weights of the library's own cache."""

import warnings
from typing import Any

from jaxtyping import Float
from torch import Tensor

from pixbench.errors import UserError, unknown_name
from pixbench.evaluation.model import MatcherModel
from pixbench.geometry.pixels import uv_from_integer_centres


class VisMatch(MatcherModel):
    """A matcher of vismatch (vismatch:NAME), by its matched points before RANSAC. It resizes images as it needs them.

    Its points are assumed to have the first pixel's centre at (0, 0), as in OpenCV and kornia, which its matchers use.
    """

    def __init__(self, text: str) -> None:
        matcher = _created(text)
        # Only its homography estimation needs it.
        matcher.skip_ransac = True
        super().__init__(_PointsOfMatcher(matcher), f"vismatch-{text}", {"vismatch": text, "kind": "pretrained"})


class _PointsOfMatcher:
    """Calls a vismatch matcher with two images (3, H, W) in 0..1."""

    def __init__(self, matcher: Any) -> None:
        self._matcher = matcher

    def __call__(self, image_a: Float[Tensor, "3 height width"], image_b: Float[Tensor, "3 rows columns"]) -> tuple[Any, ...]:
        found = self._matcher(image_a, image_b)
        points = [uv_from_integer_centres(found[name].reshape(-1, 2)) for name in ("matched_kpts0", "matched_kpts1")]
        score = found.get("matched_confidences")
        return (*points,) if score is None else (*points, score)


def _created(name: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import vismatch
    except (ImportError, RuntimeError) as error:  # a torchvision that does not fit torch is a RuntimeError
        raise UserError(f"--model vismatch:{name} needs vismatch ({error}): pip install vismatch") from None
    if name not in vismatch.available_models:
        raise unknown_name("matcher of vismatch", name, vismatch.available_models)
    try:
        return vismatch.get_matcher(name, device="cpu")
    except Exception as error:  # errors of the matcher's library, of its weights, and of an unreachable hub
        reason = " ".join(str(error).split())[:160]
        raise UserError(
            f"--model vismatch:{name} cannot be loaded ({reason}): vismatch fetches its weights where there is a network"
        ) from None
