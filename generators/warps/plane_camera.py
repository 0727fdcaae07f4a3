"""An image as a plane in space: any homography of it is the view of some pinhole camera, so that 2D data sets are scenes as well."""

import numpy as np
from jaxtyping import Float

from pixbench.geometry.cameras import Camera
from pixbench.image.homography import Homography


def picture_corners(side_m: float = 1.0) -> Float[np.ndarray, "2 3 3"]:
    """Corners, in metres, of the two triangles of a square picture in the plane z = 1, centred on the z axis, x right, y down."""
    x0, x1 = -side_m / 2, side_m / 2
    a, b, c, d = (np.array([x, y, 1.0]) for x, y in ((x0, x0), (x1, x0), (x1, x1), (x0, x1)))
    # Their winding makes the normals face the origin.
    return np.array([[a, c, b], [a, d, c]], np.float32)


def picture_camera(H: Homography, size: int, width: int, height: int) -> Camera:
    """The camera at the origin that sees the picture of `picture_corners` under H, which maps a picture of `size` pixels to the view.

    H is K R up to scale for an upper triangular K and a rotation R (RQ decomposition; Hartley and Zisserman, 2004, section 6.2.4).
    Raises ValueError if H mirrors the picture, which no camera does.
    """
    from scipy.linalg import rq

    to_pixels = np.array([[size, 0, size / 2], [0, size, size / 2], [0, 0, 1.0]])
    M = H @ to_pixels
    if np.linalg.det(M) <= 0:
        raise ValueError("the homography mirrors the picture")
    K, R = rq(M)
    signs = np.diag(np.sign(np.diag(K)))
    K, R = K @ signs, signs @ R
    K[np.tril_indices(3, -1)] = 0.0
    T = np.eye(4)
    T[:3, :3] = R.T
    return Camera(K / K[2, 2], T, width, height)
