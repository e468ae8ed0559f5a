"""The model card: README.md of a model folder, from what was measured."""

from typing import Any

from logg1m.predict.folder import Contents
from logg1m.predict.model import COLUMNS

_NAMES = {"chi2_red": "χ²", "distance": "place among the training spectra", "shift": "Ca II triplet elsewhere"}


def card(contents: Contents) -> str:
    """Markdown."""
    about = contents.about
    data, chosen = about["conditions"]["data"], about["chosen"]
    observation = data.get("observation", {})
    lines = [
        f"# A model of log g: {chosen.get('model', 'unnamed')}",
        "",
        f"Model `{about['model_id']}`, written by logg1m {about['version']} ({about['format']}). Apply it with",
        "",
        "    logg1m predict SPECTRA --model FOLDER --out predictions.fits",
        "",
        "## What it is",
        "",
        f"- Kind: {about['recipe']['model']}; channels {', '.join(about['recipe']['channels'])}; normalisation "
        f"{about['recipe']['normalisation']}.",
        f"- Trained on {about['conditions']['training_spectra']:,} spectra (source {data.get('source')}).",
        f"- Chosen by: {chosen.get('rule', 'validation')}. The test chose nothing.",
        "- Pixels: Subaru PFS, red arm at medium resolution, vacuum wavelengths, rest frame of the star.",
        "",
        "## What it was trained for",
        "",
        "| label | unit | from | to |",
        "|---|---|---|---|",
    ]
    for label in about["labels"]:
        low, high = label["training_range"]
        lines.append(f"| {label['column']} | {label['unit']} | {low:.4g} | {high:.4g} |")
    for name in ("teff", "m_h", "a_m", "c_m"):
        prior = data.get("priors", {}).get(name)
        if prior and data.get("source") != "pfs_hdf5" and all(name != label["name"] for label in about["labels"]):
            lines.append(
                f"| {COLUMNS[name][0]} (not inferred) | {COLUMNS[name][1]} | {prior[0]:.4g} | {prior[1]:.4g} |"
            )
    if data.get("source") != "pfs_hdf5":
        lines += [
            "",
            f"HSC-i magnitudes {_range(observation.get('mag'))}, {observation.get('exposures')} × "
            f"{observation.get('exposure_time')} s, seeing {observation.get('seeing')}″ ({observation.get('noise_seeing')}), "
            f"radial velocities {_range(observation.get('rv_km_s'))} km/s after the correction.",
        ]
    lines += ["", "## How good it is", "", *_scores(about)]
    lines += ["", "## Errors and quantiles", "", *_calibration(about)]
    lines += ["", "## Flags", "", *_flags(about)]
    lines += [
        "",
        "## What it must not be used for",
        "",
        "- Stars outside the ranges above: hot stars, white dwarfs, galaxies, binaries with two sets of lines.",
        "- Spectra of another instrument or resolution, or that are not flux-calibrated (electrons per nm).",
        "- Spectra whose radial velocity is unknown.",
        "- Statements about real stars to better than what models and nature differ by: it was trained on computed spectra.",
        "",
    ]
    return "\n".join(lines)


def _range(ends: Any) -> str:
    return f"{ends[0]:g} … {ends[1]:g}" if ends else "unknown"


def _scores(about: dict[str, Any]) -> list[str]:
    rows = ["| spectra | n | R² | MAE [dex] | RMSE [dex] |", "|---|---|---|---|---|"]
    for name, scores in about["measured"].items():
        if isinstance(scores, dict) and "r2" in scores:
            values = [_value(scores.get(key)) for key in ("r2", "mae", "rmse")]
            rows.append(f"| {name.replace('_', ' ')} | {scores.get('n', '')} | {' | '.join(values)} |")
    return rows


def _value(value: Any) -> str:
    """A number, or one with an interval, as text."""
    if isinstance(value, dict):
        value = value.get("value")
    return "" if value is None else f"{value:.3f}"


def _calibration(about: dict[str, Any]) -> list[str]:
    found = about.get("calibration")
    if not found:
        return ["None: every estimate has the flag UNCALIBRATED."]
    smallest = min(part["n"] for part in found["bins"])
    lines = [
        f"Fitted on {found['n_fit']:,} stars, judged on {found['n']:,} others ({found['on']}).",
        "",
        "| | all | worst bin | two standard errors of a bin |",
        "|---|---|---|---|",
        f"| rms z (should be 1) | {found['rms_z']:.3f} | off by {found['worst']['rms_z']:.3f} | {(2 / smallest) ** 0.5:.3f} |",
    ]
    for name, wanted in (("coverage_68", 68), ("coverage_95", 95)):
        lines.append(
            f"| coverage of the {wanted} % interval | {found[name]:.1%} | off by {100 * found['worst'][name]:.1f} points | "
            f"{100 * found['tolerance'][name]:.1f} points |"
        )
    for name, rms_z in found.get("further", {}).items():
        lines.append(f"| rms z of {COLUMNS[name][0]}, with {COLUMNS[name][0]}Err | {rms_z:.3f} | | |")
    lines += ["", f"{len(found['bins'])} bins of S/N and estimate, {smallest:,} stars or more in each."]
    if again := about.get("resampled"):
        lines += [
            "",
            f"Spectra at the survey's sampling (0.45 Å) share noise between pixels once they are rebinned: errors are "
            f"multiplied by {again['inflation']:.3f}, which leaves on {again['n']:,} such stars rms z {again['rms_z']:.3f}, "
            f"coverage {again['coverage_68']:.1%} and {again['coverage_95']:.1%}.",
        ]
    return lines


def _flags(about: dict[str, Any]) -> list[str]:
    found = about.get("flags")
    if not found:
        return ["Not measured."]
    lines = [
        f"`flag` is raised for {found['flag']:.2%} of spectra that the model was made for. Beyond their limits are:"
    ]
    lines += [f"- {_NAMES[name]}: {share:.2%}" for name, share in found["beyond"].items()]
    if detected := found.get("detected"):
        lines += ["", "Of low-noise spectra (top fifth) of another kind it is raised for:", ""]
        lines += [f"- {name}: {share:.1%}" for name, share in detected.items()]
    return lines
