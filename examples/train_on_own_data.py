"""From labelled pictures to your own network, all in Python: manifest, training, export, annotation.

``LABELS.csv`` has a column ``path`` and any of the label columns that ``mien tasks`` prints; an empty cell is an
unknown label. Without it, the example makes a small set from one portrait: rotated, mirrored and dimmed, where "dimmed"
is labelled sadness. That set teaches nothing about faces; it only lets the example run. The network is tiny and trains
for two epochs; recipes/ferplus.yaml trains a real one.

    python examples/train_on_own_data.py [LABELS.csv] [FOLDER]
"""

import csv
import sys
from pathlib import Path

from PIL import Image, ImageEnhance, ImageOps

import mien
from mien.learn.data.importing.dataset import import_rows, prepare_rows
from mien.learn.data.importing.errors import ImportErrors
from mien.learn.data.sources import table
from mien.learn.export.onnx_file import export
from mien.learn.recipe import parse
from mien.learn.train.trainer import Trainer

PORTRAIT = Path(__file__).parent / "photos" / "astronaut.png"


def make_pictures(folder: Path) -> Path:
    """Write 24 pictures and the CSV file with their labels, some of which are missing on purpose."""
    folder.mkdir(parents=True, exist_ok=True)
    with Image.open(PORTRAIT) as opened:
        portrait = opened.convert("RGB").resize((256, 256))
    rows = []
    for index in range(24):
        dimmed = index % 2 == 1
        picture = portrait.rotate(index - 12, resample=Image.Resampling.BILINEAR)
        picture = ImageOps.mirror(picture) if index % 3 == 0 else picture
        picture = ImageEnhance.Brightness(picture).enhance(0.4 if dimmed else 1.0)
        picture.save(folder / f"{index:02}.png")
        rows.append(
            {
                "path": f"{index:02}.png",
                "split": "valid" if index >= 16 else "train",
                "expression": "sadness" if dimmed else "happiness",
                "valence": "" if index % 4 == 0 else -0.6 if dimmed else 0.8,
                "AU12": "" if index % 5 == 0 else int(not dimmed),
            }
        )
    with (folder / "labels.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder / "labels.csv"


def recipe(faces: Path) -> dict[str, object]:
    """A recipe with the same keys as a YAML file; docs/recipes.md explains them."""
    return {
        "name": "example",
        "network": {"FaceBehaviorNet": {"width": 8, "depth": [1, 1, 1, 1]}},
        "data": [{"manifest": str(faces)}],
        "validation": {"manifest": str(faces), "split": "valid"},
        "batch_size": 8,
        "couplings": ["DistributionMatching"],
        "weights": {"distribution_matching": 0.5},
        "epochs": 2,
    }


def main(labels: Path, folder: Path) -> None:
    faces, run, network = folder / "faces", folder / "run", folder / "own.onnx"

    # labels and pictures to a manifest with aligned crops; unusable rows are printed
    errors = ImportErrors(print)
    import_rows(table, labels, faces, {}, errors)
    prepare_rows(faces, table, errors)
    errors.close(faces)
    print(f"unusable rows: {errors.kinds.total()}")

    plain = recipe(faces)
    metrics = Trainer.of(parse(plain), run).train(epoch_done=lambda row: print(f"epoch {row['epoch']} done"))
    print(f"expression accuracy on the validation split: {metrics['expression.accuracy']:.2f}")

    difference = export(run / "best", network)
    print(f"{network.name}: outputs differ from those of the trained network by at most {difference:.0e}")

    row = mien.annotate(PORTRAIT, model=network).to_pylist()[0]
    print(f"{PORTRAIT.name}: {row['expression']}, valence {row['valence']:+.2f}")


if __name__ == "__main__":
    folder = Path(sys.argv[2] if len(sys.argv) > 2 else "own")
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else make_pictures(folder / "pictures"), folder)
