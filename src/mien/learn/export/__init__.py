"""From a checkpoint to the ONNX file that annotates, with its calibration."""
