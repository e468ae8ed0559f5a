"""The conditions under which spectra were observed, in words, from what the manifest of their store says of its source."""

from collections.abc import Mapping
from typing import Any

from logg1m.results.words import listed

NAME = "conditions"


def conditions(source: Mapping[str, Any]) -> str:
    """One line: ideal or survey conditions, and what is unknown or varies; empty where the source says nothing.

    Parameters
    ----------
    source : of the manifest; only what was switched on is in its `observation`
    """
    if source.get("kind") == "pfs_hdf5":
        return "those of the imported spectra"
    observed = source.get("observation")
    if not isinstance(observed, Mapping):
        return ""
    unknown = [*_unknown(observed.get("nuisances") or {})]
    varying = [*_varying(observed)]
    seeing = "" if observed.get("noise_seeing") == "sampled" else f"seeing {observed.get('seeing', 0.8):g}″"
    if not unknown and not varying:
        return f"ideal: rest frame, no reddening, perfect flux calibration, known amplitude, no bad pixels, {seeing}"
    kind = "survey" if unknown else "ideal calibration"
    said = [f"unknown: {listed(unknown)}"] * bool(unknown) + [*varying] + [seeing] * bool(seeing)
    return f"{kind}: {'; '.join(said)}"


def _unknown(nuisances: Mapping[str, Any]) -> list[str]:
    found = ["amplitude"] if nuisances.get("amplitude") == "free" else []
    widths = list(nuisances.get("calibration") or [])
    if len(set(widths)) == 1 and len(widths) > 1:
        found.append(f"flux calibration ± {100 * widths[0]:g} % in each of Legendre orders 1–{len(widths)}")
    elif any(widths):
        found.append(f"flux calibration ± {', '.join(f'{100 * w:g}' for w in widths)} % in Legendre orders from 1 on")
    if nuisances.get("ebv"):
        found.append(f"E(B−V) ± {nuisances['ebv']:g}")
    if nuisances.get("velocity_km_s"):
        found.append(f"velocity ± {nuisances['velocity_km_s']:g} km/s")
    return found


def _varying(observed: Mapping[str, Any]) -> list[str]:
    found = []
    velocity = observed.get("rv_km_s") or (0.0, 0.0)
    if any(velocity):
        found.append(f"radial velocity {velocity[0]:g} to {velocity[1]:g} km/s")
    if observed.get("extinction_av"):
        found.append(f"A_V {observed['extinction_av']:g} mag")
    if observed.get("noise_seeing") == "sampled":
        low, high = observed["seeing_range"]
        found.append(f"seeing {low:g}–{high:g}″")
    if sky := observed.get("sky_level"):
        found.append(f"sky {sky[0]:g}–{sky[1]:g} of a dark night's")
    if observed.get("bad_pixels"):
        found.append(f"{100 * observed['bad_pixels']:g} % bad pixels")
    if observed.get("mask_o2_a"):
        found.append("O₂ A band masked")
    return found
