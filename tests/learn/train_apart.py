"""Train a recipe in a process of its own: ``train_apart.py RECIPE FOLDER [SECONDS between steps]``."""

import sys
import time
from pathlib import Path

import torch

from mien.learn.recipe import load
from mien.learn.trainer import Trainer

if __name__ == "__main__":
    torch.set_num_threads(1)
    pause = float(sys.argv[3]) if len(sys.argv) > 3 else 0.0
    trainer = Trainer(load(sys.argv[1]), Path(sys.argv[2]))
    trainer.run(lambda *_: time.sleep(pause))
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
