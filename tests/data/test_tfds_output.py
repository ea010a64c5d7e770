"""What TFDS prints while it prepares a data set is no result."""

import types

from keras_gans.data import tfds


def test_what_tfds_prints_goes_to_stderr(monkeypatch, tmp_path, capsys):
    monkeypatch.delenv("KERAS_GANS_OFFLINE", raising=False)
    prepared = []

    class Builder:
        data_path = tmp_path / "toys"

        def download_and_prepare(self):
            prepared.append(self)
            print("Downloading and preparing dataset")

    builder = Builder()
    library = types.SimpleNamespace(builder=lambda name, data_dir: builder)
    assert tfds._prepared("toys", library) is builder
    assert prepared == [builder]
    said = capsys.readouterr()
    assert said.out == ""
    assert "Downloading and preparing" in said.err
