"""Seconds a view of every renderer on one scene and one core, one after another in one run.

    python benchmarks/renderers.py --json [--scene rooms] [--bpy-python PATH] [--pictures FOLDER]

`heavy` is the scene of heavy_scene.py, `rooms` one of procedural objects. pyrender is taken in software unless there is a graphics
card. Cycles, with 16 samples a pixel, needs a Python that has the package bpy, see render_cycles.py. The last line is one JSON object.
"""

import argparse
import json
import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from generate import interleaved_s, picture  # first: it sets the number of threads before numpy is imported
from heavy_scene import config, write

# isort: split
import numpy as np
from PIL import Image

from pixbench.generators.renderers.pyrender import PyrenderRenderer
from pixbench.generators.renderers.raycast import RaycastRenderer
from pixbench.generators.renderers.texture_atlas import to_linear
from pixbench.generators.rooms.config import Config3D
from pixbench.generators.rooms.generator import Generator3D
from pixbench.generators.scene import Geometry, Scene
from pixbench.geometry.correspondence import trace_view
from pixbench.geometry.rays import RayCaster

Composed = tuple[Scene, Geometry, RayCaster]


def compose(kind: str, folder: Path) -> Composed:
    """Four views of 256 x 256 pixels."""
    chosen = config(*write(folder)) if kind == "heavy" else Config3D(views=4, size=256)
    scene, geometry, caster, _ = Generator3D(chosen).composer.compose(0)
    return scene, geometry, caster


def renderer_times(scene: Scene, geometry: Geometry, caster: RayCaster, pictures: Path | None) -> dict[str, float]:
    """Median seconds of the first view: pictures from nothing by raycast, and those of pyrender with the scene sent to OpenGL."""
    views = [trace_view(caster, geometry.corners, geometry.instance, camera) for camera in scene.cameras]
    view, appearance = views[0], scene.appearances[0]
    runs: dict[str, Callable[[], object]] = {}
    for preset in ("fast", "default"):
        rays = RaycastRenderer(preset=preset).scene(geometry, caster, scene.lights)
        opengl = PyrenderRenderer(preset=preset).scene(geometry, caster, scene.lights)
        fine = preset == "default"
        runs[f"raycast_{preset}_s"] = lambda rays=rays, fine=fine: picture(rays, view, caster, appearance, fine=fine)  # type: ignore[misc]
        runs["pyrender_s" if fine else "pyrender_fast_s"] = lambda opengl=opengl: opengl.draw(
            view, appearance, rng=np.random.default_rng(0)
        )  # type: ignore[misc]
        if pictures:
            for name, drawn in (("raycast", rays), ("pyrender", opengl)):
                drawn_view = drawn.draw(views[-1], scene.appearances[-1], rng=np.random.default_rng(0))
                Image.fromarray(drawn_view).save(pictures / f"{name}_{preset}.png")
    # One after another, not in turn: pyrender keeps one scene in OpenGL, and would send it anew each time.
    return {name: interleaved_s({name: run}, 5)[name] for name, run in runs.items()}


def cycles_times(python: str, composed: Composed, folder: Path, pictures: Path | None) -> dict[str, float]:
    """Cycles in its own Python, on the same core, which it inherits."""
    exchange = folder / "scene.npz"
    write_exchange(exchange, *composed[:2])
    command = [python, str(Path(__file__).with_name("render_cycles.py")), str(exchange)]
    command += ["--picture", str(pictures / "cycles.png")] if pictures else []
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found: dict[str, float] = json.loads(said.strip().splitlines()[-1])
    return found


def write_exchange(path: Path, scene: Scene, geometry: Geometry) -> None:
    """Triangles, materials (linear colours), lights and cameras as plain arrays."""
    textures = {id(m.texture): m.texture for m in geometry.materials if m.texture is not None}
    number = {key: k for k, key in enumerate(textures)}
    lights = {name: np.array([getattr(light, name) for light in scene.lights]) for name in ("position", "u", "v", "radiance")}
    np.savez(
        path,
        corners=geometry.corners,
        uv=geometry.uv,
        material=geometry.material,
        material_color=to_linear(np.array([m.color for m in geometry.materials], np.float32)),
        material_texture=np.array([number.get(id(m.texture), -1) for m in geometry.materials]),
        light_sun=np.array([light.kind == "sun" for light in scene.lights]),
        K=np.array([camera.K for camera in scene.cameras]),
        T_world_cam=np.array([camera.T_world_cam for camera in scene.cameras]),
        size=scene.cameras[0].width,
        **{f"light_{name}": values for name, values in lights.items()},
        **{f"texture{k}": texture for k, texture in enumerate(textures.values())},
        **({} if geometry.color is None else {"color": geometry.color}),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    parser.add_argument("--scene", choices=("heavy", "rooms"), default="heavy")
    parser.add_argument("--bpy-python", help="a Python with the package bpy, to time Cycles as well")
    parser.add_argument("--pictures", type=Path, help="keep one view of each renderer in this folder")
    arguments = parser.parse_args()
    if arguments.pictures:
        arguments.pictures.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        os.environ.setdefault("PIXBENCH_CACHE", str(Path(temporary) / "cache"))
        composed = compose(arguments.scene, Path(temporary))
        # Threads that libraries start later run on this core too.
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
        result = renderer_times(*composed, arguments.pictures)
        result["pyrender_over_default"] = result["pyrender_s"] / result["raycast_default_s"]
        if arguments.bpy_python:
            result |= cycles_times(arguments.bpy_python, composed, Path(temporary), arguments.pictures)
            result["cycles_over_default"] = result["cycles_s"] / result["raycast_default_s"]
    for name, value in result.items():
        print(f"{name:24} {value:.3f}")
    if arguments.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
