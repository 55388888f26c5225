"""Exporting a checkpoint, with its calibration, as the ONNX file that annotating needs."""
