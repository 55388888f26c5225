"""The cost of the couplings, as a share of one training step of a ResNet-18.

Two things are timed alternately, in one run: a whole training step (forward, losses of both tasks, backward, SGD), and
the couplings alone on logits of the same batch, forward and backward to the logits. Their ratio is the relative
overhead. The goals are at most 2 % at 7 classes x 17 attributes, and at most 5 % at 10,177 x 40. Prints a table and
writes benchmarks/results/coupling_cost.json.

    python benchmarks/coupling_cost.py [--rounds 10] [--batch 32] [--side 112] [--device cpu] [--bf16]
"""

import argparse
import json
import platform
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from mien.learn import Coupling

RESULTS = Path(__file__).parent / "results" / "coupling_cost.json"
GOALS = {(7, 17): 0.02, (10_177, 40): 0.05}
COUPLINGS = {
    "matching": {"matching": "kl", "co_annotation": None},
    "soft co-annotation": {"matching": None, "co_annotation": "soft_target"},
    "both": {"matching": "kl", "co_annotation": "soft_target"},
}


class Unit(nn.Module):
    """Two convolutions and a shortcut (He et al. 2016)."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.Conv2d(channels, width, 3, stride, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, 1, 1, bias=False),
            nn.BatchNorm2d(width),
        )
        same = channels == width and stride == 1
        self.shortcut = (
            nn.Identity()
            if same
            else nn.Sequential(nn.Conv2d(channels, width, 1, stride, bias=False), nn.BatchNorm2d(width))
        )

    def forward(self, x: Tensor) -> Tensor:
        """N x channels x H x W to N x width x H / stride x W / stride."""
        return torch.relu(self.residual(x) + self.shortcut(x))


def resnet18(outputs: int) -> nn.Sequential:
    """The network of the paper, in its ImageNet form."""
    stem = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    units, channels = [], 64
    for stage, width in enumerate((64, 128, 256, 512)):
        for index in range(2):
            units.append(Unit(channels, width, 2 if stage and not index else 1))
            channels = width
    return nn.Sequential(*stem, *units, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, outputs))


def seconds(call: Callable[[], None], device: torch.device) -> float:
    """The duration of one call, until the device has finished it."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    start = time.perf_counter()
    call()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def measure(classes: int, attributes: int, options: argparse.Namespace) -> dict[str, object]:
    """Medians in milliseconds, and the ratios of the couplings to the step."""
    device = torch.device(options.device)
    torch.manual_seed(0)
    network = resnet18(classes + attributes).to(device, memory_format=torch.channels_last).train()
    optimizer = torch.optim.SGD(network.parameters(), 0.01, momentum=0.9)
    pictures = torch.randn(options.batch, 3, options.side, options.side, device=device)
    pictures = pictures.contiguous(memory_format=torch.channels_last)
    y = torch.randint(-1, classes, (options.batch,), device=device)
    a = torch.randint(0, 2, (options.batch, attributes), device=device).float()
    a[torch.rand(a.shape, device=device) < 0.5] = torch.nan
    known = ~a.isnan()

    def step() -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=options.bf16):
            outputs = network(pictures)
        of_classes, of_attributes = outputs.float().split((classes, attributes), 1)
        cells = binary_cross_entropy_with_logits(of_attributes, a.nan_to_num(), reduction="none")
        loss = cross_entropy(of_classes, y, ignore_index=-1) + (cells * known).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    table = torch.rand(classes, attributes)
    class_logits = torch.randn(options.batch, classes, device=device, requires_grad=True)
    attribute_logits = torch.randn(options.batch, attributes, device=device, requires_grad=True)

    def coupled(coupling: Coupling) -> Callable[[], None]:
        def call() -> None:
            loss = coupling(class_logits, attribute_logits, classes=y, attributes=a, mask=known)
            torch.autograd.grad(loss, (class_logits, attribute_logits), allow_unused=True)

        return call

    couplings = {name: coupled(Coupling(table, **settings)) for name, settings in COUPLINGS.items()}
    times: dict[str, list[float]] = {name: [] for name in ("step", *couplings)}
    for number in range(-2, options.rounds):  # the first two warm up
        for name, call in couplings.items():
            spent = {"step": seconds(step, device), name: seconds(call, device)}  # after a step, so with cold caches
            for key in spent if number >= 0 else ():
                times[key].append(spent[key])
    middle = {name: 1e3 * median(each) for name, each in times.items()}
    return {
        "classes": classes,
        "attributes": attributes,
        "goal": GOALS[classes, attributes],
        "milliseconds": {name: round(value, 3) for name, value in middle.items()},
        "ratio": {name: round(middle[name] / middle["step"], 5) for name in COUPLINGS},
    }


def main() -> None:
    """Measure both sizes, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--side", type=int, default=112)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--bf16", action="store_true", help="run the network in bfloat16, which makes the step faster")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    results = [measure(*shape, options) for shape in GOALS]
    device = torch.cuda.get_device_name() if options.device == "cuda" else platform.machine()
    setting = {
        "rounds": options.rounds,
        "batch": options.batch,
        "side": options.side,
        "device": f"{options.device}: {device}",
        "threads": torch.get_num_threads(),
        "network": "bf16" if options.bf16 else "fp32",
        "torch": torch.__version__,
    }
    for result in results:
        ratio = result["ratio"]
        assert isinstance(ratio, dict)
        print(f"{result['classes']} x {result['attributes']}: milliseconds of a step and of its couplings")
        print(f"  {result['milliseconds']}")
        for name, value in ratio.items():
            print(f"  {name}: {100 * value:.2f} % of a step")
        print(f"  goal, both: at most {100 * float(str(result['goal'])):.0f} %")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps({"setting": setting, "results": results}, indent=2) + "\n")


if __name__ == "__main__":
    main()
