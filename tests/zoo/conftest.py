"""Small model folders, a cache of the test's own, and an HTTP server on 127.0.0.1."""

from model_folders import cache, card_dict, publish, same, serve

__all__ = ["cache", "card_dict", "publish", "same", "serve"]
