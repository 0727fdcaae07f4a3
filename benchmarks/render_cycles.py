"""Seconds a view of Blender's Cycles on a scene that `renderers.py` wrote; run by a Python of its own that has the package bpy.

    python benchmarks/render_cycles.py scene.npz [--picture out.png]

16 samples a pixel on one thread, no denoising; the scene stays loaded between views. The last line is one JSON object.
Not called cycles.py: that is the name of a module of Blender's own, which a script beside it would hide.
"""

import argparse
import json
import sys
import time

import bpy
import numpy as np

SAMPLES = 16


def load(stored: dict[str, np.ndarray]) -> None:
    """The whole scene: one mesh, its materials, the lights and a camera."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    mesh = bpy.data.meshes.new("scene")
    fill(mesh, stored)
    for index in range(len(stored["material_color"])):
        mesh.materials.append(material(stored, index))
    bpy.context.collection.objects.link(bpy.data.objects.new("scene", mesh))
    for index in range(len(stored["light_position"])):
        add_light(stored, index)
    bpy.context.scene.camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    bpy.context.collection.objects.link(bpy.context.scene.camera)
    world = bpy.data.worlds.new("sky")
    bpy.context.scene.world = world
    world.color = (0.6, 0.8, 1.0)


def fill(mesh: bpy.types.Mesh, stored: dict[str, np.ndarray]) -> None:
    """Triangles with corners of their own, uv and colours."""
    corners = stored["corners"]
    count = len(corners)
    mesh.vertices.add(3 * count)
    mesh.vertices.foreach_set("co", corners.ravel())
    mesh.loops.add(3 * count)
    mesh.loops.foreach_set("vertex_index", np.arange(3 * count, dtype=np.int32))
    mesh.polygons.add(count)
    mesh.polygons.foreach_set("loop_start", np.arange(0, 3 * count, 3, dtype=np.int32))
    mesh.polygons.foreach_set("material_index", stored["material"].astype(np.int32))
    uv = stored["uv"].reshape(-1, 2) * [1, -1] + [0, 1]
    mesh.uv_layers.new(name="uv").data.foreach_set("uv", uv.astype(np.float32).ravel())
    if "color" in stored:
        rgba = np.concatenate([stored["color"].reshape(-1, 3) / 255, np.ones((3 * count, 1))], axis=1)
        layer = mesh.color_attributes.new("tint", "BYTE_COLOR", "CORNER")
        layer.data.foreach_set("color_srgb", rgba.astype(np.float32).ravel())
    mesh.update(calc_edges=True)


def material(stored: dict[str, np.ndarray], index: int) -> bpy.types.Material:
    """A dielectric whose colour is the material's, times its texture and the corners' colours."""
    made = bpy.data.materials.new(f"material {index}")
    nodes, links = made.node_tree.nodes, made.node_tree.links
    surface = nodes["Principled BSDF"]
    surface.inputs["Roughness"].default_value = 0.8
    color = nodes.new("ShaderNodeRGB").outputs[0]
    color.default_value = (*stored["material_color"][index], 1)
    factors = []
    if stored["material_texture"][index] >= 0:
        node = nodes.new("ShaderNodeTexImage")
        node.image = image(stored[f"texture{stored['material_texture'][index]}"])
        factors.append(node.outputs[0])
    if "color" in stored:
        node = nodes.new("ShaderNodeVertexColor")
        node.layer_name = "tint"
        factors.append(node.outputs[0])
    for factor in factors:
        product = nodes.new("ShaderNodeMix")
        product.data_type, product.blend_type = "RGBA", "MULTIPLY"
        product.inputs[0].default_value = 1
        links.new(color, product.inputs[6])
        links.new(factor, product.inputs[7])
        color = product.outputs[2]
    links.new(color, surface.inputs["Base Color"])
    return made


def image(texels: np.ndarray) -> bpy.types.Image:
    """An image of sRGB bytes; Blender's first row is the lowest."""
    rows, columns = texels.shape[:2]
    made = bpy.data.images.new("texture", columns, rows)
    rgba = np.ones((rows, columns, 4), np.float32)
    rgba[..., :3] = texels[::-1] / 255
    made.pixels.foreach_set(rgba.ravel())
    return made


def add_light(stored: dict[str, np.ndarray], index: int) -> None:
    """A sun, or a rectangle that gives off its radiance on one side."""
    u, v, radiance = (stored[f"light_{name}"][index] for name in ("u", "v", "radiance"))
    sun = bool(stored["light_sun"][index])
    light = bpy.data.lights.new(f"light {index}", "SUN" if sun else "AREA")
    light.color = radiance / radiance.max()
    back = stored["light_position"][index] if sun else -np.cross(u, v)
    light.energy = np.pi * radiance.max()
    if not sun:
        light.shape, light.size, light.size_y = "RECTANGLE", 2 * np.linalg.norm(u), 2 * np.linalg.norm(v)
        light.energy *= light.size * light.size_y
    back = back / np.linalg.norm(back)
    side = u / np.linalg.norm(u) if not sun else np.cross(back, np.eye(3)[np.argmin(np.abs(back))])
    T = np.eye(4)
    T[:3, 0] = side / np.linalg.norm(side)
    T[:3, 1], T[:3, 2] = np.cross(back, T[:3, 0]), back
    T[:3, 3] = 0 if sun else stored["light_position"][index]
    thing = bpy.data.objects.new(light.name, light)
    thing.matrix_world = T.T.tolist()
    bpy.context.collection.objects.link(thing)


def aim(K: np.ndarray, T_world_cam: np.ndarray, size: int) -> None:
    """Look through a pinhole camera with square pixels; Blender's looks along -z with y up."""
    camera = bpy.context.scene.camera
    camera.data.lens = K[0, 0] * camera.data.sensor_width / size
    camera.data.shift_x, camera.data.shift_y = 0.5 - K[0, 2] / size, K[1, 2] / size - 0.5
    camera.data.clip_start = 0.01
    camera.matrix_world = (T_world_cam @ np.diag([1.0, -1.0, -1.0, 1.0])).T.tolist()


def settle(size: int) -> None:
    """Set one thread, a fixed number of samples, and no effect that the renderer raycast lacks."""
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.device, scene.cycles.samples = "CPU", SAMPLES
    scene.cycles.use_adaptive_sampling = scene.cycles.use_denoising = False
    scene.render.threads_mode, scene.render.threads = "FIXED", 1
    scene.render.use_persistent_data = True
    scene.render.resolution_x = scene.render.resolution_y = size
    scene.render.resolution_percentage = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scene")
    parser.add_argument("--picture", help="keep the last view here")
    arguments = parser.parse_args()
    stored = dict(np.load(arguments.scene))
    size = int(stored["size"])
    load(stored)
    settle(size)
    seconds = []
    for K, T_world_cam in zip(stored["K"], stored["T_world_cam"], strict=True):
        aim(K, T_world_cam, size)
        started = time.perf_counter()
        bpy.ops.render.render()
        seconds.append(time.perf_counter() - started)
    if arguments.picture:
        bpy.data.images["Render Result"].save_render(arguments.picture)
    sys.stdout.flush()
    # The first view also builds the tree of triangles.
    print(json.dumps({"cycles_s": float(np.median(seconds[1:])), "cycles_first_s": seconds[0], "views": len(seconds)}))


if __name__ == "__main__":
    main()
