"""keras-gans doctor"""

import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path

import pytest

from keras_gans import artifacts
from keras_gans.zoo import diagnosis, download, installation

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"tensorflow", "keras", "jax", "tensorflow_datasets", "PIL"}


@pytest.fixture(autouse=True)
def _settings(monkeypatch):
    """No setting of the machine reaches the diagnosis."""
    for variable in ("KERAS_GANS_MAX_PIXELS", "KERAS_GANS_MAX_DECODED"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def doctor(kg):
    """Runs it: doctor("mirror") -> [(level, text)] of the checks of that name, and the exit code in `doctor.code`."""

    def run(check):
        result = kg("doctor", "--json")
        run.code = result.exit_code
        rows = json.loads(result.stdout)
        return [
            (row["level"], f"{row['found']}: {row['advice']}" if row["advice"] else row["found"])
            for row in rows
            if row["check"] == check
        ]

    return run


def everything(folder):
    return {
        str(path): path.read_bytes() if path.is_file() else path.stat().st_mtime_ns
        for path in sorted(folder.rglob("*"))
    }


def damage(path):
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def test_a_sound_installation_is_a_line_a_check(kg, zoo, tmp_path):
    before = everything(tmp_path)
    result = kg("doctor")
    assert result.exit_code == 0
    lines = [line.split(None, 2) for line in result.stdout.splitlines()]
    assert [line[:2] for line in lines] == [
        ["ok", check]
        for check in (
            *("registry", "weights", "cache", "space", "cached"),
            *("partial", "mirror", "packages", "backend", "settings"),
        )
    ]
    assert lines[0][2] == f"all 4 cards in {zoo} read."
    assert lines[1][2] == "all 3 weights files are the ones that were published."
    assert lines[2][2] == f"{tmp_path / 'cache'} is not there yet and can be made."
    assert everything(tmp_path) == before


def test_it_imports_nothing_heavy_and_asks_nobody():
    code = (
        "import atexit, socket, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr));"
        "socket.socket.connect = None;"
        "from keras_gans.cli.main import main; main()"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, "doctor"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert "cards in" in ran.stdout
    assert not HEAVY & {module.partition(".")[0] for module in ran.stderr.split()}


# ---- the registry ----


@pytest.mark.parametrize(
    ("harm", "check", "text"),
    [
        (lambda folder: (folder / artifacts.CARD).write_text("name = "), "registry", "the card of toy_digits does not"),
        (lambda folder: damage(folder / artifacts.WEIGHTS), "weights", "toy_digits has damaged weights: their sha256"),
        (lambda folder: (folder / artifacts.WEIGHTS).write_bytes(b""), "weights", "toy_digits has 0 bytes of weights"),
        (
            lambda folder: (folder / artifacts.WEIGHTS).unlink(),
            "weights",
            "has no readable weights.safetensors (No such",
        ),
        (lambda folder: (folder / artifacts.PROVENANCE).write_text("{}"), "weights", "toy_digits cannot be checked"),
        (lambda folder: shutil.rmtree(folder.parent), "registry", "no model lies in"),
    ],
)
def test_what_is_amiss_with_the_registry(harm, check, text, doctor, zoo):
    harm(zoo / "toy_digits")
    ((level, said),) = doctor(check)
    assert (level, doctor.code) == ("problem", 1)
    assert text in said
    assert "reinstall keras_gans" in said


# ---- the cache ----


def test_a_damaged_file_and_what_mends_it(doctor, kg, zoo):
    path = Path(kg("download", "toy_digits").stdout.strip())
    assert doctor("cached") == [("ok", "all 1 cached files are sound")]
    damage(path)
    before = path.read_bytes()
    ((level, said),) = doctor("cached")
    assert (level, doctor.code) == ("problem", 1)
    assert path.read_bytes() == before  # nothing is mended behind the user's back
    assert kg(*said.split("`")[1].split()[1:]).exit_code == 0  # the command that it names
    assert doctor("cached") == [("ok", "all 1 cached files are sound")]


def test_what_killed_downloads_left(doctor, kg, zoo, tmp_path):
    folder = tmp_path / "cache" / "models" / "toy_digits"
    folder.mkdir(parents=True)
    partial = folder / f".1-{'0' * 16}.safetensors.{'a' * 16}{artifacts.PARTIAL}"
    partial.write_bytes(bytes(2_000_000))
    assert doctor("partial") == [("ok", "no killed download left anything")]  # it may be at work this moment
    old = time.time() - 2 * diagnosis.QUIET
    os.utime(partial, (old, old))
    ((level, said),) = doctor("partial")
    assert (level, doctor.code) == ("warning", 0)
    assert "killed downloads of toy_digits left 2.0 MB" in said
    assert kg(*said.split("`")[1].split()[1:]).exit_code == 0
    assert not partial.exists()


@pytest.mark.parametrize(
    ("number", "level"), [(errno.EACCES, "warning"), (errno.EROFS, "warning"), (errno.ENOSPC, "problem")]
)
def test_a_cache_that_cannot_be_written(number, level, doctor, kg, zoo, tmp_path, monkeypatch):
    kg("download", "toy_digits")

    def refuse(*, dir, prefix):
        raise OSError(number, os.strerror(number), str(dir))

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    ((found, said),) = doctor("cache")
    assert (found, doctor.code) == (level, int(level == "problem"))
    assert str(tmp_path / "cache") in said
    assert os.strerror(number) in said
    assert "set KERAS_GANS_HOME" in said


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_write_permission(doctor, kg, zoo, tmp_path):
    kg("download", "toy_digits")
    folder = tmp_path / "cache" / "models" / "toy_digits"
    folder.chmod(0o555)
    try:
        ((level, said),) = doctor("cache")
    finally:
        folder.chmod(0o755)
    assert level == "warning"
    assert f"{folder} can be read and not be written" in said


def test_the_probe_leaves_nothing(doctor, kg, zoo, tmp_path):
    kg("download", "toy_digits")
    before = everything(tmp_path)
    assert doctor("cache") == [("ok", f"{tmp_path / 'cache'} can be written")]
    assert set(everything(tmp_path)) == set(before)


@pytest.mark.parametrize(
    ("home", "text"),
    [
        ("{tmp}/file", "is no folder"),
        ("{tmp}/file/below", "is no folder"),
        ("~nobody_by_that_name/x", "needs a home folder"),
    ],
)
def test_a_cache_that_cannot_be(home, text, doctor, zoo, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("here first")
    monkeypatch.setenv("KERAS_GANS_HOME", home.format(tmp=tmp_path))
    ((level, said),) = doctor("cache")
    assert (level, doctor.code) == ("problem", 1)
    assert text in said
    assert "set KERAS_GANS_HOME" in said


def test_too_little_space(doctor, zoo, monkeypatch):
    needed = sum(path.stat().st_size for path in zoo.glob("*/weights.safetensors"))
    free = shutil.disk_usage(zoo)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: free._replace(free=needed))
    assert doctor("space")[0][0] == "ok"
    monkeypatch.setattr(shutil, "disk_usage", lambda path: free._replace(free=needed - 1))
    assert doctor("space")[0][0] == "warning"
    assert doctor.code == 0


def test_another_cache_folder(kg, zoo, tmp_path):
    shown = kg("doctor", "--cache-dir", tmp_path / "other").stdout
    assert f"{tmp_path / 'other'} is not there yet" in shown


# ---- mirrors ----


def test_folders_that_are_mirrors_and_that_are_none(doctor, zoo, tmp_path, monkeypatch):
    good, empty, old = (tmp_path / name for name in ("good", "empty", "old"))
    shutil.copytree(zoo, good)
    shutil.rmtree(good / "toy_reader")
    empty.mkdir()
    shutil.copytree(zoo, old)
    (old / "toy_digits" / artifacts.WEIGHTS).write_bytes(b"of another version")
    monkeypatch.setenv(
        "KERAS_GANS_MIRROR", f"{good},{empty},{old},{tmp_path / 'nowhere'},ftp://user:secret@example.org"
    )
    found = doctor("mirror")
    assert [level for level, _ in found] == ["ok", "warning", "warning", "problem", "problem"]
    texts = (
        "weights of 2 of 3 models",
        "has no weights that",
        "other weights of toy_digits",
        "is no folder",
        "neither an",
    )
    assert all(text in said for text, (_, said) in zip(texts, found, strict=True))
    assert "secret" not in str(found)
    assert doctor.code == 1


def test_a_server_is_asked_for_a_byte_of_the_first_model_that_it_has(doctor, zoo, tmp_path, serve, monkeypatch):
    shutil.copytree(zoo / "toy_reader", tmp_path / "served" / "toy_reader")
    server = serve(tmp_path / "served")
    monkeypatch.setenv("KERAS_GANS_MIRROR", server.url)
    assert doctor("mirror") == [("ok", f"{server.url} answers and has the weights of toy_reader")]
    assert server.paths == [f"/{name}/{artifacts.WEIGHTS}" for name in ("toy_classes", "toy_digits", "toy_reader")]
    monkeypatch.setenv("KERAS_GANS_OFFLINE", "1")
    assert doctor("mirror") == [("ok", f"{server.url} is not asked while the network is off")]
    assert len(server.paths) == 3


def test_servers_that_are_no_mirrors(doctor, zoo, tmp_path, serve, monkeypatch):
    monkeypatch.setattr(diagnosis, "DEADLINE", 0.6)
    monkeypatch.setattr(diagnosis, "TIMEOUT", (0.3, 0.3))

    def part(handler):
        handler.send_response(206)
        handler.send_header("Content-Range", "bytes 0-0/17")
        handler.send_header("Content-Length", "1")
        handler.end_headers()
        handler.wfile.write(b"x")

    def trickle(handler):  # each byte comes in time, and the answer never
        for _ in range(20):
            handler.wfile.write(b"H")
            time.sleep(0.1)

    asked = []

    def ranged(handler):
        asked.append(handler.headers["Range"])
        part(handler)

    (tmp_path / "nothing").mkdir()
    servers = [
        serve(tmp_path / "nothing"),
        serve(ranged),
        serve(lambda handler: handler.send_error(503)),
        serve(lambda handler: time.sleep(0.5)),
        serve(trickle),
    ]
    monkeypatch.setenv("KERAS_GANS_MIRROR", ",".join([*(server.url for server in servers), "http://127.0.0.1:1"]))
    found = doctor("mirror")
    texts = (
        "has no weights that",
        "other weights of toy_classes",
        "HTTP 503",
        "no answer",
        "no answer",
        "connection failed",
    )
    assert [level for level, _ in found] == ["warning", "warning", *["problem"] * 4]
    assert all(text in said for text, (_, said) in zip(texts, found, strict=True)), found
    assert asked == ["bytes=0-0"]


def test_a_password_is_never_shown(doctor, zoo, serve, monkeypatch):
    server = serve(lambda handler: handler.send_error(401))
    url = server.url.replace("//", "//user:secret@")
    monkeypatch.setenv("KERAS_GANS_MIRROR", f"{url},http://user:secret@127.0.0.1:1,http://user:secret@[")
    found = doctor("mirror")
    assert [level for level, _ in found] == ["problem"] * 3
    assert "secret" not in str(found)


# ---- the environment ----


@pytest.fixture
def installed(monkeypatch):
    """Pretends that these are installed: installed(requirements, versions, python=">=3.11")."""

    def pretend(requirements, versions, python=">=3.11"):
        def version(name):
            if name not in versions:
                raise metadata.PackageNotFoundError(name)
            return versions[name]

        monkeypatch.setattr(metadata, "metadata", lambda name: {"Requires-Python": python})
        monkeypatch.setattr(metadata, "requires", lambda name: requirements)
        monkeypatch.setattr(metadata, "version", version)

    return pretend


REQUIRED = [
    "keras<3.16,>=3.15",
    "tensorflow<2.22,>=2.21",
    'huggingface_hub>=0.30; extra == "hub"',
    'ruff>=1; extra == "dev"',
]


@pytest.mark.parametrize(
    ("versions", "backend", "found"),
    [
        ({"keras": "3.15.1", "tensorflow": "2.21.0"}, "tensorflow", [("ok", "2 packages are within")]),
        ({"keras": "3.15.1"}, "jax", [("ok", "1 packages are within")]),  # as requirements-jax.txt has it
        (
            {"keras": "3.15.1"},
            "tensorflow",
            [
                ("ok", "1 packages"),
                ("problem", "tensorflow is not installed: install it with `pip install 'tensorflow<"),
            ],
        ),
        (
            {"keras": "3.16.0", "tensorflow": "2.21.0", "huggingface_hub": "0.2", "ruff": "0.1"},
            "tensorflow",
            [
                ("ok", "1 packages"),
                ("warning", "keras is installed in version 3.16.0, outside <3.16,>=3.15"),
                ("warning", "huggingface_hub is installed in version 0.2, outside >=0.30"),
            ],
        ),
    ],
)
def test_versions_against_their_bounds(versions, backend, found, installed):
    installed(REQUIRED, versions)
    said = installation.check_packages(backend)
    assert [finding.level for finding in said] == [level for level, _ in found]
    assert all(text in str(finding) for finding, (_, text) in zip(said, found, strict=True)), said


def test_another_python(installed):
    installed([], {}, python=">=4")
    (finding,) = installation.check_packages("tensorflow")
    assert (finding.level, ">=4 is wanted" in finding.found) == ("problem", True)


def test_a_checkout_that_is_not_installed(monkeypatch):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "metadata", missing)
    (finding,) = installation.check_packages("tensorflow")
    assert finding.level == "warning"
    assert "pip install ." in finding.advice


def test_the_bounds_are_pyprojects(doctor, zoo):
    """What is installed here is what the suite runs on: Keras is held to a bound, and is within it."""
    assert any(text.startswith("keras<") or text.startswith("keras>") for text in metadata.requires("keras-gans"))
    assert doctor("packages")[0][0] == "ok"


@pytest.mark.parametrize(
    ("backend", "there", "level", "text"),
    [
        ("tensorflow", {"keras", "tensorflow"}, "ok", "which is installed"),
        ("tensorflow", {"keras", "jax"}, "problem", "or set KERAS_BACKEND=jax, which is there"),
        ("jax", {"keras"}, "problem", "jax is not installed: install it with `pip install jax`."),
        ("tensorflow", {"tensorflow"}, "problem", "keras is not installed"),
        ("torch", {"keras", "torch"}, "warning", "set KERAS_BACKEND to tensorflow or jax"),
    ],
)
def test_the_backend(backend, there, level, text, monkeypatch):
    monkeypatch.setattr(installation, "_is_there", there.__contains__)
    finding = installation.check_backend(backend)
    assert (finding.level, text in str(finding)) == (level, True), finding


def test_what_is_there_is_found_without_an_import():
    code = (
        "import sys; from keras_gans.zoo import installation as i;"
        "print(i._is_there('tensorflow'), i._is_there('no_such_package'), 'tensorflow' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["True", "False", "False"]


@pytest.mark.parametrize(
    ("name", "value", "level"),
    [
        ("KERAS_GANS_MAX_PIXELS", "many", "problem"),
        ("KERAS_GANS_MAX_PIXELS", "64e6", "ok"),
        ("KERAS_GANS_MAX_DECODED", "4 GB", "problem"),
        ("KERAS_GANS_MAX_DECODED", "1e11", "ok"),
        ("KERAS_GANS_OFFLINE", "ja", "warning"),
        ("KERAS_GANS_OFFLINE", "Yes", "ok"),
        ("KERAS_GANS_OFFLINE", "0", "ok"),
    ],
)
def test_settings(name, value, level, doctor, zoo, monkeypatch):
    monkeypatch.setenv(name, value)
    ((found, said),) = doctor("settings")
    assert (found, doctor.code) == (level, int(level == "problem"))
    assert level == "ok" or name in said


def test_every_line_is_a_sentence(kg, zoo, monkeypatch, tmp_path):
    damage(zoo / "toy_digits" / artifacts.WEIGHTS)
    monkeypatch.setenv("KERAS_GANS_MIRROR", str(tmp_path / "nowhere"))
    result = kg("doctor")
    assert result.exit_code == 1
    for line in result.stdout.splitlines():
        level, _, text = line.split(None, 2)
        assert level in (diagnosis.OK, diagnosis.WARNING, diagnosis.PROBLEM)
        assert text.endswith(".")
        assert not text.endswith("..")
        assert level == "ok" or ": " in text
    assert download.mirrors() == [str(tmp_path / "nowhere")]
