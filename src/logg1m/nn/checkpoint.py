"""The trainer's state on disk: tensors as safetensors, counters as JSON in their header; written in one piece."""

import json
import zlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from logg1m.files import save_with
from logg1m.jobs.progress import log

_FORMAT = "logg1m training state 4"


@dataclass
class Counters:
    """How far a training is; everything that is no tensor."""

    epoch: int = 0
    batch: int = 0  # batches done in this epoch
    step: int = 0
    losses: float = 0.0  # sum over the batches of this epoch
    best_score: float = float("-inf")
    best_epoch: int = -1
    history: list[dict[str, Any]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)  # by purpose, in all lives
    timed_steps: int = 0  # that are behind seconds["steps"]; a step that compiled is not
    micro_batch: int = 0
    finished: bool = False  # then the best weights are all that is kept


def save(path: Path, identity: str, counters: Counters, tensors: dict[str, torch.Tensor]) -> None:
    """Write counters and tensors, all or nothing."""
    header = {"format": _FORMAT, "identity": identity, "counters": json.dumps(asdict(counters))}
    plain = {name: value.detach().contiguous().cpu() for name, value in tensors.items()}
    header["crc32c"] = _sum(header["counters"], plain)
    save_with(path, lambda temporary: save_file(plain, temporary, header))


def load(path: Path, identity: str, device: torch.device) -> tuple[Counters, dict[str, torch.Tensor]] | None:
    """What was saved for exactly this training, or None; a damaged file is reported and not used."""
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt", device=str(device)) as file:
            header = file.metadata() or {}
            if header.get("format") != _FORMAT or header.get("identity") != identity:
                return None
            counters = Counters(**json.loads(header["counters"]))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if _sum(header["counters"], tensors) != header["crc32c"]:
            raise ValueError("its checksum is not what was written")
        return counters, tensors
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        log.warning(f"{path} is damaged and not used, training starts from the beginning: {error}")
        return None


def _sum(counters: str, tensors: dict[str, torch.Tensor]) -> str:
    """Checksum of everything in a state."""
    found = zlib.crc32(counters.encode())  # not the store's CRC-32C: a machine that only trains has no zarr
    for name in sorted(tensors):
        found = zlib.crc32(
            tensors[name].cpu().reshape(-1).view(torch.uint8).numpy(),  # type: ignore[arg-type]
            zlib.crc32(name.encode(), found),
        )
    return f"{found:08x}"


def pack(parts: dict[str, dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """{part: {name: tensor}} → {part/name: tensor}."""
    return {f"{part}/{name}": value for part, tensors in parts.items() for name, value in tensors.items()}


def unpack(tensors: dict[str, torch.Tensor], part: str) -> dict[str, torch.Tensor]:
    """The tensors of one part, by their own names."""
    prefix = f"{part}/"
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """Moments and step counts by parameter number."""
    state: dict[int, dict[str, Any]] = optimiser.state_dict()["state"]
    return {f"{number}.{name}": torch.as_tensor(value) for number, row in state.items() for name, value in row.items()}


def restore_optimiser(optimiser: torch.optim.Optimizer, tensors: dict[str, torch.Tensor]) -> None:
    """Put back what `optimiser_tensors` took out."""
    whole = optimiser.state_dict()
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in tensors.items():
        number, name = key.split(".", 1)
        state.setdefault(int(number), {})[name] = value
    optimiser.load_state_dict({**whole, "state": state})
