"""Recipe for `reader.onnx`, the bundled model that reads printed lines of text; see README.md."""
