"""The bundled networks: what reads faces (``default.onnx``, see CARD.md) and what finds them (``yunet.onnx``)."""
