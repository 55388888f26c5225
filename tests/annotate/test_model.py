from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mien.annotate.model import Model, ModelError
from mien.faces.align import TEMPLATE
from mien.tasks import ACTION_UNITS, FACE, Kind, Task

CROPS = np.random.default_rng(0).integers(0, 256, (7, 112, 112, 3), np.uint8)


def test_label_space_and_preprocessing(network: Path) -> None:
    model = Model(network)
    assert (model.name, model.tasks, model.size) == ("tiny", FACE, 112)
    assert_allclose(model.template, TEMPLATE)


def test_outputs_have_the_ranges_of_their_tasks(network: Path) -> None:
    outputs = Model(network)(CROPS)
    for task in FACE:
        assert outputs[task.name].shape == (7, len(task))
        low, high = task.range
        assert ((outputs[task.name] >= low) & (outputs[task.name] <= high)).all()
    assert_allclose(outputs["expression"].sum(1), 1, atol=1e-5)


def test_batch_size_changes_nothing(network: Path) -> None:
    model = Model(network)
    whole, parts = model(CROPS), model(CROPS, batch_size=3)
    for name in whole:
        assert_array_equal(whole[name], parts[name])
    assert model(CROPS[:0])["action_units"].shape == (0, 17)


@pytest.mark.parametrize(
    "crops", [CROPS[0], CROPS[:, :96], CROPS.astype(np.float32), CROPS[..., :1], CROPS.tolist()[:1], CROPS[:, None]]
)
def test_other_crops_are_refused(network: Path, crops: object) -> None:
    with pytest.raises(ValueError, match=r"crops must be uint8 of shape \(N, 112, 112, 3\), not"):
        Model(network)(crops)


def test_files_that_cannot_be_used(network: Path, tmp_path: Path, make_network: Callable[..., Path]) -> None:
    def reason(path: Path) -> str:
        with pytest.raises(ModelError) as caught:
            Model(path)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    assert "no such file" in reason(tmp_path / "none.onnx")
    assert "directory" in reason(tmp_path).lower()
    (tmp_path / "cut.onnx").write_bytes(network.read_bytes()[:500])
    assert "damaged" in reason(tmp_path / "cut.onnx")
    assert "reads format 1" in reason(make_network(tmp_path / "new.onnx", format=2))
    assert "incomplete" in reason(make_network(tmp_path / "bare.onnx", preprocessing={}))
    assert "missing: action_units" in reason(
        make_network(tmp_path / "fewer.onnx", FACE[:1], tasks=[FACE[0].to_dict(), ACTION_UNITS.to_dict()])
    )
    bare = onnx.load(network)
    del bare.metadata_props[:]
    onnx.save(bare, tmp_path / "other.onnx")
    assert "not a mien network" in reason(tmp_path / "other.onnx")
    bare.metadata_props.add(key="mien", value="{")
    onnx.save(bare, tmp_path / "broken.onnx")
    assert "cannot be read" in reason(tmp_path / "broken.onnx")


def test_any_label_space(tmp_path: Path, make_network: Callable[..., Path]) -> None:
    birds = Task("bird", Kind.CLASSES, ("wren", "robin"), ("a wren", "a robin"))
    model = Model(make_network(tmp_path / "birds.onnx", (birds,)))
    assert model.tasks == (birds,)
    assert model(CROPS)["bird"].shape == (7, 2)
