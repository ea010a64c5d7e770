"""What you type: `keras-gans` at a shell, imported as keras_gans.cli. main.py, and one small file a verb.

Every verb's file is light: what it needs of the library, and of rich, it imports inside its command's body,
so that `--help`, `list`, `info` and `download` start without Keras and TensorFlow.
"""
