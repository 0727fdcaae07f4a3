"""Columns of the leaderboard's tables of matching: metric id to heading, in their order."""

from collections.abc import Mapping

from ..levels.level import LEVELS

DENSE_COLUMNS: Mapping[str, str] = {
    "delta_avg": "δ_avg",
    **{f"delta_avg@{level}": level for level in LEVELS},
    "delta_avg_matchable": "matchable",
    "delta_avg_edges": "with edges",
    "pck@1": "PCK@1",
    "pck@4": "PCK@4",
    "epe_median": "median EPE",
    "mma@3": "MMA@3",
    "closer": "closer",
    "pose_auc@10/magsac": "AUC@10° MAGSAC",
    "pose_auc@10/poselib": "AUC@10° PoseLib",
    "homography_auc@5": "AUC@5 px",
}
"""Columns for models with a match for every query pixel."""

POINT_COLUMNS: Mapping[str, str] = {
    "mma@3": "MMA@3",
    **{f"mma@3@{level}": level for level in LEVELS},
    "pose_auc@10/poselib": "AUC@10° PoseLib",
    "pose_auc@10/magsac": "AUC@10° MAGSAC",
    "homography_auc@5": "AUC@5 px",
    "coverage": "coverage",
    "matches": "matches a pair",
}
"""Columns for matchers of points, whose queries mostly lie between the points that they match."""
