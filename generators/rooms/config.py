"""The options of the generator `3d`."""

from typing import Any, Literal

from pydantic import Field, model_validator

from pixbench.errors import unknown_name
from pixbench.generation import GeneratorConfig

from ..sources.spec import parse, separated

LIMITS: dict[str, tuple[float, float]] = {
    "fov_deg": (5, 150),
    "camera_height_m": (0.1, 2.6),
    "camera_pitch_deg": (-85, 85),
    "baseline_m": (0, 20),
    "object_count": (1, 60),
    "light_temperature_k": (1500, 20000),
}


class Config3D(GeneratorConfig):
    """Options of the generator `3d`. Lengths in metres, angles in degrees; a pair of numbers is (lowest, highest).

    `objects` and `rooms` name sources, KIND[:PATH][@WEIGHT]; `categories` restricts the objects. `stacked_share` is the share of small
    objects that stand on others. Every camera shares `min_overlap` of its pixels, as 24 x 24 of them tell, with `partners` of the cameras
    before it.
    `light_variation` is the standard deviation of the log gain of each light in each view, `exposure_variation_ev` that of the exposure
    in stops, `color_variation` that of the log white balance. `tracks` is the number of points that are followed through all views.
    """

    objects: tuple[str, ...] = ("procedural",)
    rooms: tuple[str, ...] = ("procedural",)
    object_count: tuple[int, int] = (7, 14)
    categories: tuple[str, ...] = ()
    stacked_share: float = Field(0.85, ge=0, le=1)
    renderer: str = "raycast"
    preset: Literal["fast", "default"] = "default"
    caster: str = "embree"
    fov_deg: tuple[float, float] = (55.0, 70.0)
    camera_height_m: tuple[float, float] = (0.9, 1.9)
    camera_pitch_deg: tuple[float, float] = (-60.0, 20.0)
    baseline_m: tuple[float, float] = (0.35, 6.0)
    min_overlap: float = Field(0.15, ge=0, le=0.9)
    partners: int = Field(15, ge=1, le=15)
    max_roll_deg: float = Field(8.0, ge=0, le=180)
    light_variation: float = Field(0.45, ge=0, le=2)
    light_temperature_k: tuple[float, float] = (4000.0, 9000.0)
    exposure_variation_ev: float = Field(0.4, ge=0, le=3)
    color_variation: float = Field(0.08, ge=0, le=1)
    tracks: int = Field(256, ge=0, le=100_000)

    @model_validator(mode="before")
    @classmethod
    def _separate(cls, values: Any) -> Any:
        return separated(values, ("objects", "rooms")) if isinstance(values, dict) else values

    @model_validator(mode="after")
    def _located(self) -> "Config3D":
        names = {parse(text)[0].name for text in (*self.objects, *self.rooms)}
        for name in self.locations:
            if name not in names:
                raise unknown_name("source in locations", name, names)
        return self

    @model_validator(mode="after")
    def _possible(self) -> "Config3D":
        for name, (least, most) in LIMITS.items():
            low, high = getattr(self, name)
            if not least <= low <= high <= most:
                raise ValueError(f"{name} is {low} to {high}: expected a range within {least} to {most}, the lowest first")
        return self
