"""Collects the data sets, records, runs and sweeps that a page shows."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..dataset.manifest import MANIFEST
from ..dataset.reader import Dataset
from ..errors import UserError
from ..evaluation.matching.pairs import EvaluationPairs
from ..evaluation.matching.real.open import open_pairs
from ..evaluation.matching.task import recorded_pairs
from ..evaluation.model import BASELINES, DescriptorModel, parse_norm
from ..evaluation.record import WEIGHTS, Record, StoredRecord, find_records
from ..evaluation.record_place import model_sha256
from ..evaluation.request import DataAccess
from ..evaluation.suite import SUITES, Opening
from ..evaluation.task import TASKS
from ..experiments.sweep import read_cells
from ..io.documents import read_json
from ..models.checkpoint import find_checkpoint
from ..models.loading import load_model
from .experiment1 import Experiment1Part
from .matches import MODELS, MatchesPart, Shown
from .scenes import ScenesPart
from .site import PagePart, Site
from .table import TablePart

SWEEP = "sweep.json"
EXPECTED = "a data set, a record or a folder of records, a run of pixbench train, baseline:NAME, or a sweep of experiment 1"


@dataclass
class Found:
    """The sources by their kind."""

    dataset: Path | None = None
    records: list[StoredRecord] = field(default_factory=list)
    picked: list[StoredRecord] = field(default_factory=list)
    models: list[DescriptorModel] = field(default_factory=list)
    sweep: Path | None = None


def build_site(
    sources: Sequence[str], opening: Opening, *, data: Path | None = None, limit: int | None = None, trust_code: bool = False
) -> Site:
    """A page of the sources, with at most `limit` scenes and pairs. Raises UserError for an unknown source, or one that cannot be
    combined with the others.

    `trust_code` allows models to run their own code, see `load_model`.
    """
    found = Found()
    for source in sources:
        _sort(source, found, trust_code)
    parts: list[PagePart] = []
    if found.dataset is not None:
        parts.append(ScenesPart(Dataset(found.dataset), limit))
    if found.models or any(_of_pairs(each.record) for each in found.picked):
        parts.append(_matches(found, opening, data, limit))
    if found.records or found.picked:
        parts.append(TablePart(list({each.path.resolve(): each for each in (*found.records, *found.picked)}.values())))
    if found.sweep is not None:
        parts.append(Experiment1Part(read_cells("experiment1", found.sweep)))
    return Site(parts, ", ".join(Path(source).name for source in sources))


def _sort(source: str, found: Found, trust_code: bool) -> None:
    path = Path(source)
    if (path / MANIFEST).is_file():
        if found.dataset is not None:
            raise UserError(f"{source}: a page shows one data set, {found.dataset} was given already")
        found.dataset = path
    elif (path / SWEEP).is_file():
        _check_sweep(path)
        if found.sweep is not None:
            raise UserError(f"{source}: a page shows one sweep, {found.sweep} was given already")
        found.sweep = path
    elif path.is_file() and path.suffix == ".json":
        found.picked += find_records([path])
    elif source.startswith("baseline:") or _is_run(path) or path.suffix in (".pt", ".pt2", ".ts") or ":" in source:
        model = load_model(source, trust_code=trust_code)
        if not isinstance(model, DescriptorModel):
            raise UserError(f"{source} gives no descriptors: give its record")
        if model.name in [other.name for other in found.models]:
            raise UserError(f"{source}: another model is called '{model.name}' too: rename the folder of one of them")
        found.models.append(model)
    elif path.is_dir():
        records = find_records([path])
        sweeps = sorted(path.glob(f"experiment1*/{SWEEP}"))
        found.sweep = found.sweep or (sweeps[0].parent if sweeps else None)
        if not records and not sweeps:
            raise UserError(f"{source} holds no records: expected {EXPECTED}")
        found.records += records
    elif path.exists():
        raise UserError(f"{source} cannot be shown: expected {EXPECTED}")
    else:
        raise UserError(f"{source}: not found; expected {EXPECTED}")


def _of_pairs(record: Record) -> bool:
    return TASKS.get(record.task).of_pairs


def _is_run(path: Path) -> bool:
    try:
        find_checkpoint(path)
    except UserError:
        return False
    return path.is_dir()


def _check_sweep(path: Path) -> None:
    """Raises UserError for a sweep of another experiment."""
    try:
        name = read_json(path / SWEEP, "run 'pixbench sweep' again").get("experiment")
    except AttributeError:
        name = None
    if name not in (None, "experiment1"):
        raise UserError(f"{path} is a sweep of {name}: the page shows experiment1; 'pixbench report {name}' makes its figure")
    read_cells("experiment1", path)


def _matches(found: Found, opening: Opening, data: Path | None, limit: int | None) -> MatchesPart:
    picked = [each for each in found.picked if _of_pairs(each.record)]
    models = list(found.models)
    shown = []
    for each in picked:
        matched = next((model for model in models if _is_of(each, model)), None)
        models = [model for model in models if model is not matched]
        shown.append(Shown(each.record.model, each, matched or _own_baseline(each)))
    # A model that is named without its record is joined with its record in a folder, if there is one.
    for model in models:
        shown.append(Shown(model.name, next((each for each in found.records if _is_of(each, model)), None), model))
    for one in shown:
        if one.stored is not None and one.model is not None:
            # The stored matches were found in the record's norm, which may differ from the norm of the training.
            one.model.p = parse_norm(str(one.stored.record.model_info["p"]))
    if len(shown) > MODELS:
        raise UserError(f"{len(shown)} models were given: at most {MODELS} stand side by side")
    stored = [one.stored for one in shown if one.stored is not None]
    suites = sorted({each.record.data.suite for each in stored})
    if len(suites) > 1:
        raise UserError(f"the records are of {', '.join(suites)}: give records of one suite")
    return MatchesPart(_pairs(stored, found.dataset, opening, data), shown, limit)


def _own_baseline(stored: StoredRecord) -> DescriptorModel | None:
    """The baseline of a record, if it can be rebuilt identically; the user then need not name it to see its descriptors."""
    name = stored.record.model
    if name not in BASELINES.names():
        return None
    try:
        model = load_model(f"baseline:{name}")
    except UserError:
        return None
    return model if isinstance(model, DescriptorModel) and model_sha256(model) == stored.record.model_sha256 else None


def _is_of(stored: StoredRecord, model: DescriptorModel) -> bool:
    """Whether a matching record is of this model: by the hash of its weights, or of its name and info if it has none."""
    record = stored.record
    hashes = [(record.model_info.get(key), model.info.get(key)) for key in WEIGHTS]
    weighed = [pair for pair in hashes if any(pair)]
    same = all(one == other for one, other in weighed) if weighed else record.model_sha256 == model_sha256(model)
    return _of_pairs(record) and record.model == model.name and same


def _pairs(stored: Sequence[StoredRecord], dataset: Path | None, opening: Opening, data: Path | None) -> EvaluationPairs:
    if not stored:
        folder = data or dataset
        if folder is None:
            return SUITES.get("mini").open(opening)
        return open_pairs(folder, folder.resolve().name)
    record = stored[0].record
    source = recorded_pairs(record, DataAccess(opening, data or dataset))
    if source.identity.recipe_sha256 != record.data.recipe_sha256:
        raise UserError(f"{stored[0].path} was scored on another data set than that given: name its own with --data")
    return source
