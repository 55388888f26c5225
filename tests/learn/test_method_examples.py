"""The examples in the docstrings of losses, networks, balancers, sharing and critics run."""

import doctest
import importlib
import pkgutil

import numpy as np
import pytest
import torch

PACKAGES = ("losses", "models", "balancing", "sharing", "caf")
MODULES = ["mien.spelling", "mien.learn.coupling"] + [
    f"mien.learn.{package}.{module.name}"
    for package in PACKAGES
    for module in pkgutil.iter_modules(importlib.import_module(f"mien.learn.{package}").__path__)
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    torch.manual_seed(0)
    results = doctest.testmod(importlib.import_module(name), extraglobs={"torch": torch, "np": np})
    assert results.failed == 0
