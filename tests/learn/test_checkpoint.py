"""Checkpoints: whole or not at all, named when broken, and without a pickle."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest
import torch
from safetensors.torch import load_file

from mien.learn import checkpoint
from mien.learn.checkpoint import CARD, NETWORK, OPTIMIZER, CheckpointError
from mien.learn.models import FaceBehaviorNet
from mien.relatedness.table import DU_2014
from mien.tasks import FACE


def made(
    seed: int, kind: type[torch.optim.Optimizer] = torch.optim.AdamW
) -> tuple[FaceBehaviorNet, torch.optim.Optimizer]:
    """A network that has learned for two steps, and its optimiser."""
    torch.manual_seed(seed)
    network = FaceBehaviorNet(width=8, depth=(1, 1))
    optimizer = kind(network.parameters(), lr=0.1)  # type: ignore[call-arg]
    for _ in range(2):
        sum(out.square().mean() for out in network(torch.rand(4, 3, 112, 112) * 255).values()).backward()  # type: ignore[union-attr]
        optimizer.step()
    return network, optimizer


Save = Callable[..., Path]


@pytest.fixture
def save(tmp_path: Path, plain_recipe: Callable[..., dict[str, Any]]) -> Save:
    def write(network: FaceBehaviorNet, optimizer: torch.optim.Optimizer, **state: object) -> Path:
        folder = tmp_path / "run" / "last"
        checkpoint.save(
            folder,
            network,
            optimizer,
            tasks=FACE,
            relatedness=(DU_2014,),
            recipe=plain_recipe(),
            state={"step": 7, **state},
        )
        return folder

    return write


def test_the_network_and_its_card_come_back(save: Save, plain_recipe: Callable[..., dict[str, Any]]) -> None:
    network, optimizer = made(0)
    loaded, card = checkpoint.load_network(save(network, optimizer))
    assert not loaded.training
    crops = torch.rand(2, 3, 112, 112) * 255
    for task in FACE:
        assert torch.equal(network.eval()(crops)[task.name], loaded(crops)[task.name])
    assert (card["state"], card["recipe"]) == ({"step": 7}, plain_recipe())
    assert card["tasks"] == [task.to_dict() for task in FACE]
    assert card["relatedness"] == [json.loads(json.dumps(DU_2014.to_dict()))]
    assert card["preprocessing"]["size"] == 112
    assert card["versions"]["torch"] == torch.__version__


@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.Adam])
def test_the_optimizer_comes_back_to_the_last_bit(kind: type[torch.optim.Optimizer], save: Save) -> None:
    network, optimizer = made(0, kind)
    folder = save(network, optimizer)
    _, other = made(1, kind)
    checkpoint.load_optimizer(other, folder)
    before, after = optimizer.state_dict()["state"], other.state_dict()["state"]
    assert before.keys() == after.keys()
    for index, entry in before.items():
        for key, value in entry.items():
            assert (
                torch.equal(value, after[index][key]) if isinstance(value, torch.Tensor) else value == after[index][key]
            )


def test_there_are_tensors_and_json_and_no_pickle(save: Save) -> None:
    folder = save(*made(0))
    assert sorted(path.name for path in folder.iterdir()) == sorted([CARD, NETWORK, OPTIMIZER])
    assert sorted(path.name for path in folder.parent.iterdir()) == ["last"]
    for path in folder.iterdir():
        content = path.read_bytes()
        assert not content.startswith((b"\x80", b"PK"))
    load_file(folder / NETWORK)

    def refuse(word: str) -> NoReturn:
        raise AssertionError(f"{word} is not JSON")

    json.loads((folder / CARD).read_text(), parse_constant=refuse)


def test_a_second_checkpoint_replaces_the_first(save: Save) -> None:
    save(*made(0))
    network, optimizer = made(1)
    folder = save(network, optimizer, more=1)
    loaded, card = checkpoint.load_network(folder)
    assert card["state"] == {"step": 7, "more": 1}
    assert torch.equal(loaded.state_dict()["trunk.stem.0.weight"], network.state_dict()["trunk.stem.0.weight"])


def test_a_replacement_that_was_interrupted_is_completed(save: Save) -> None:
    folder = save(*made(0))
    folder.rename(folder.with_name(".last.old"))
    folder.with_name(".last.new").mkdir()
    assert checkpoint.read_card(folder)["state"]["step"] == 7
    checkpoint.load_network(folder)


@pytest.mark.parametrize("moment", ["before", "between"])
def test_a_kill_while_saving_leaves_the_old_checkpoint(
    moment: str, save: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = save(*made(0))
    rename = Path.rename

    def killed(self: Path, target: Path) -> Path:
        if moment == "before" or self.name == ".last.new":
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", killed)
    with pytest.raises(KeyboardInterrupt):
        save(*made(1), more=1)
    monkeypatch.undo()
    assert checkpoint.load_network(folder)[1]["state"] == {"step": 7}
    save(*made(1), more=1)
    assert checkpoint.load_network(folder)[1]["state"] == {"step": 7, "more": 1}
    assert sorted(path.name for path in folder.parent.iterdir()) == ["last"]


def test_a_stale_folder_does_not_replace_a_whole_one(save: Save) -> None:
    folder = save(*made(0), more=1)
    shutil.copytree(folder, folder.with_name(".last.old"))
    (folder.with_name(".last.old") / CARD).write_text("{}")
    assert checkpoint.read_card(folder)["state"]["more"] == 1


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="nowhere: not a checkpoint of mien"):
        checkpoint.load_network(tmp_path / "nowhere")


@pytest.mark.parametrize("content", ["{", "", "[1]"])
def test_a_broken_card_is_named(content: str, save: Save) -> None:
    folder = save(*made(0))
    (folder / CARD).write_text(content)
    with pytest.raises(CheckpointError, match=f"{folder}: not a checkpoint of mien"):
        checkpoint.load_network(folder)


def test_another_format_is_refused(save: Save) -> None:
    folder = save(*made(0))
    card = json.loads((folder / CARD).read_text())
    (folder / CARD).write_text(json.dumps(card | {"format": 2}))
    with pytest.raises(CheckpointError, match="checkpoint format 2, this version reads 1"):
        checkpoint.load_network(folder)


@pytest.mark.parametrize("damage", ["missing", "cut", "other"])
def test_weights_that_cannot_be_used_are_named(damage: str, save: Save) -> None:
    folder = save(*made(0))
    if damage == "missing":
        (folder / NETWORK).unlink()
    elif damage == "cut":
        (folder / NETWORK).write_bytes((folder / NETWORK).read_bytes()[:-100])
    else:
        (folder / NETWORK).write_bytes((folder / OPTIMIZER).read_bytes())
    with pytest.raises(CheckpointError, match=rf"{folder}: network\.safetensors cannot be used"):
        checkpoint.load_network(folder)


@pytest.mark.parametrize("damage", ["missing", "cut", "other"])
def test_an_optimizer_that_cannot_be_used_is_named(damage: str, save: Save) -> None:
    network, optimizer = made(0)
    folder = save(network, optimizer)
    if damage == "missing":
        (folder / OPTIMIZER).unlink()
    elif damage == "cut":
        (folder / OPTIMIZER).write_bytes((folder / OPTIMIZER).read_bytes()[:-100])
    else:
        (folder / OPTIMIZER).write_bytes((folder / NETWORK).read_bytes())
    with pytest.raises(CheckpointError, match=rf"{folder}: optimizer\.safetensors cannot be used"):
        checkpoint.load_optimizer(optimizer, folder)
