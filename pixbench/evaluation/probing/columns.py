"""Columns of the leaderboard's tables of classification and segmentation: metric id to heading, in their order."""

from collections.abc import Mapping

CLASSIFICATION_COLUMNS: Mapping[str, str] = {
    "id_accuracy/training-domain": "ID",
    "ood_accuracy/training-domain": "OOD",
    "ood_accuracy/leave-one-domain-out": "OOD, leave one out",
    "ood_accuracy/oracle": "OOD, oracle",
    "ood_ece/training-domain": "OOD ECE",
    "id_accuracy/head": "ID, head",
    "ood_accuracy/head": "OOD, head",
}

SEGMENTATION_COLUMNS: Mapping[str, str] = {
    "id_pixel_accuracy": "ID accuracy",
    "ood_pixel_accuracy": "OOD accuracy",
    "id_miou": "ID mIoU",
    "ood_miou": "OOD mIoU",
    "ood_pixel_ece": "OOD ECE",
    "instance_iou": "instance IoU",
    "instance_rand": "Rand index",
    "depth_edge_ap": "depth edge AP",
    "normal_edge_ap": "normal edge AP",
    "binary_share": "binary values",
}
