"""Extensions of glTF: those that are read, those that need another package, and those that do not change shapes and base colours."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from ...base import BadModelError

DRACO, BASISU = "KHR_draco_mesh_compression", "KHR_texture_basisu"
MESHOPT = ("EXT_meshopt_compression", "KHR_meshopt_compression")

UNDERSTOOD = {
    "KHR_mesh_quantization", "KHR_texture_transform", "EXT_texture_webp", "EXT_texture_avif", "KHR_materials_pbrSpecularGlossiness",
    "EXT_mesh_gpu_instancing", "KHR_materials_emissive_strength", "KHR_materials_unlit", "KHR_materials_transmission",
}  # fmt: skip
"""Extensions that are read."""

PACKAGES = {DRACO: ("DracoPy", "dracopy"), BASISU: ("opengl_basisu", "opengl-basisu"), **dict.fromkeys(MESHOPT, ("meshopt", "meshopt"))}
"""The module that reads an extension, and the name under which it is installed."""

LOOKS = ("KHR_materials_", "KHR_lights_", "KHR_animation_", "KHR_audio", "KHR_xmp", "EXT_lights_", "KHR_node_", "MSFT_lod", "VRM", "VRMC_")
"""Prefixes of the names of extensions that do not change shapes and base colours."""


def check_extensions(document: Mapping[str, Any]) -> None:
    """Raise BadModelError with its name if a required extension is not read."""
    for name in document.get("extensionsRequired") or ():
        if name in PACKAGES:
            reader(name)
        elif name not in UNDERSTOOD and not name.startswith(LOOKS):
            raise needs(name)


def reader(extension: str) -> Any:
    """The module that reads an extension. Raises BadModelError with the extension's name if it is not installed."""
    try:
        return import_module(PACKAGES[extension][0])
    except ImportError:
        raise needs(extension) from None


def needs(extension: str) -> BadModelError:
    """The refusal of a file that cannot be read without an extension."""
    hint = f"pip install {PACKAGES[extension][1]}" if extension in PACKAGES else "write the file without it"
    return BadModelError(f"needs the glTF extension {extension}", hint)
