"""What is published: cards, the registry that lists them, and where their weights come from.

Imported as keras_gans.zoo. Nothing here imports Keras, TensorFlow or a network library until it needs one.
"""
