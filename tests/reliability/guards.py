"""What keeps corrupt bytes, foreign code and broken numbers out, and for each the test that notices its absence."""

from typing import NamedTuple


class Guard(NamedTuple):
    """One guard: what it is for; the file and the text in it; what stands there without it; a test that then fails."""

    what: str
    file: str
    text: str
    without: str
    test: str


ARTIFACTS_PY, DOWNLOAD_PY, TRANSFER_PY = "keras_gans/artifacts.py", "zoo/download.py", "zoo/transfer.py"
ARTIFACTS, DOWNLOAD, TRANSFER = "tests/test_artifacts.py", "tests/zoo/test_download.py", "tests/zoo/test_transfer.py"
REGISTRY, WEIGHTS = "tests/zoo/test_registry.py", "tests/zoo/test_weights.py"
CALLBACKS_PY, CALLBACKS = "keras_gans/training/callbacks.py", "tests/training/test_callbacks.py"
GAME_PY, GAME = "keras_gans/training/game.py", "tests/training/test_game.py"
FIFTH = (
    "tests/models/test_vanilla.py::TestVanillaGAN::"
    "test_5_a_gradient_that_is_not_finite_reaches_no_weight_and_ten_stop_the_run"
)
CHECKPOINT_PY = "keras_gans/training/checkpoint.py"
IMAGES_PY, IMAGES = "keras_gans/data/images.py", "tests/data/test_images.py"

GUARDS = [
    # ---- the load path
    Guard(
        "a name is looked up before anything is opened",
        "zoo/registry.py",
        "    if not isinstance(name, str) or name not in known:\n        raise unknown(name, folder=folder)\n",
        "",
        f"{REGISTRY}::test_everything_else_is_unknown_before_anything_is_opened",
    ),
    Guard(
        "a hub reference cannot lead out of the hub",
        "zoo/registry.py",
        'if hub and ".." not in reference:',
        "if hub:",
        f"{REGISTRY}::test_everything_else_is_unknown_before_anything_is_opened",
    ),
    Guard(
        "a NUL byte is in no path",
        "zoo/registry.py",
        'if reference.startswith((".", "/", "~")) and "\\0" not in reference:',
        'if reference.startswith((".", "/", "~")):',
        f"{REGISTRY}::test_everything_else_is_unknown_before_anything_is_opened",
    ),
    Guard(
        "a weights file's SHA-256 is compared",
        ARTIFACTS_PY,
        'if found != expected["sha256"]:',
        "if False:",
        f"{ARTIFACTS}::test_every_bit_flip_and_truncation_is_caught",
    ),
    Guard(
        "it is hashed before it is parsed",
        ARTIFACTS_PY,
        "    check_bytes(data, expected, what)\n    try:\n        tensors = load(data)",
        "    try:\n        tensors = load(data)\n        check_bytes(data, expected, what)",
        f"{ARTIFACTS}::test_nothing_is_parsed_before_it_is_hashed",
    ),
    Guard(
        "a file of another size is not read",
        ARTIFACTS_PY,
        'if size != expected["bytes"]:',
        "if False:",
        f"{ARTIFACTS}::test_a_file_of_another_size_is_not_even_read",
    ),
    Guard(
        "weights.json must have a usable sha256",
        ARTIFACTS_PY,
        '    if not (isinstance(record.get("sha256"), str) and _SHA256.fullmatch(record["sha256"])):\n'
        "        return \"'sha256'\"\n",
        "",
        f"{ARTIFACTS}::test_bad_provenance_is_named",
    ),
    Guard(
        "the numbers of tensors and parameters are compared",
        ARTIFACTS_PY,
        'if (len(tensors), parameters) != (expected["tensors"], expected["parameters"]):',
        "if False:",
        f"{ARTIFACTS}::test_counts_must_be_as_recorded",
    ),
    Guard(
        "a value that is not finite is not read",
        ARTIFACTS_PY,
        '    _refuse_non_finite(tensors, f"{what} must not be loaded',
        '    str(f"{what} must not be loaded',
        f"{ARTIFACTS}::test_non_finite_values_are_neither_written_nor_read",
    ),
    Guard(
        "a value that is not finite is not written",
        ARTIFACTS_PY,
        '    _refuse_non_finite(dense, "Nothing was written: save a model whose training has not diverged.")\n',
        "",
        f"{ARTIFACTS}::test_non_finite_values_are_neither_written_nor_read",
    ),
    Guard(
        "names and shapes must be the model's before the first tensor is set",
        "keras_gans/training/pretrained.py",
        "        artifacts.match(tensors, expected, what)\n",
        "",
        "tests/test_api.py::test_weights_of_another_architecture_are_refused_in_plain_words",
    ),
    Guard(
        "what was rounded to float16 must still be finite",
        ARTIFACTS_PY,
        "            if not np.isfinite(tensor).all():\n                raise IncompatibleWeightsError(",
        "            if False:\n                raise IncompatibleWeightsError(",
        f"{ARTIFACTS}::test_a_value_beyond_float16_is_refused",
    ),
    # ---- files
    Guard(
        "a file is written beside its place and moved",
        ARTIFACTS_PY,
        '        with open(partial, "xb") as file:\n',
        '        with open(path, "wb") as file, open(partial, "wb"):\n',
        f"{ARTIFACTS}::test_a_failed_write_keeps_the_old_file",
    ),
    Guard(
        "bytes are on the disk before they get the name",
        ARTIFACTS_PY,
        "            os.fsync(file.fileno())  # else a power cut can leave the new name on empty bytes\n",
        "",
        f"{ARTIFACTS}::test_bytes_are_on_the_disk_before_they_get_the_name",
    ),
    Guard(
        "a failed write leaves no partial file",
        ARTIFACTS_PY,
        "        partial.unlink(missing_ok=True)\n        raise",
        "        raise",
        f"{ARTIFACTS}::test_a_failed_move_leaves_nothing",
    ),
    # ---- downloads
    Guard(
        "a download is hashed as it lies on the disk",
        TRANSFER_PY,
        "if not is_sound(Path(file.name), expected):",
        "if False:",
        f"{TRANSFER}::test_a_server_that_misbehaves_gets_one_sentence",
    ),
    Guard(
        "a download that is too short is tried again",
        TRANSFER_PY,
        "if sink.count < sink.most:",
        "if False:",
        f"{TRANSFER}::test_a_server_that_misbehaves_gets_one_sentence",
    ),
    Guard(
        "no more bytes are taken than were promised",
        TRANSFER_PY,
        "if self.count > self.most:",
        "if False:",
        f"{TRANSFER}::test_a_server_that_misbehaves_gets_one_sentence",
    ),
    Guard(
        "a server that crawls is left",
        TRANSFER_PY,
        "if responses and seconds > GRACE and sink.count < SLOWEST * seconds:",
        "if False:",
        f"{TRANSFER}::test_a_server_that_crawls_is_left",
    ),
    Guard(
        "a server that stalls is left",
        TRANSFER_PY,
        "        timeout=TIMEOUT,\n",
        "        timeout=(60.0, 60.0),\n",
        f"{TRANSFER}::test_a_server_that_stalls_is_left",
    ),
    Guard(
        "offline no server is asked",
        TRANSFER_PY,
        "        if is_offline(offline):\n",
        "        if False:\n",
        f"{TRANSFER}::test_offline_asks_no_server_but_folders",
    ),
    Guard(
        "a mirror is http(s) or a folder",
        TRANSFER_PY,
        "    elif scheme:\n",
        "    elif False:\n",
        f"{TRANSFER}::test_other_schemes_are_refused",
    ),
    Guard(
        "a mirror's password is in no error",
        TRANSFER_PY,
        'return re.sub(r"//[^/@]*@", "//", source)',
        "return source",
        f"{TRANSFER}::test_a_password_is_not_shown",
    ),
    Guard(
        "one process at a time fills a cached file",
        DOWNLOAD_PY,
        '    with filelock.FileLock(locks / f"{path.parent.name}-{path.stem}.lock", timeout=LOCK_WAIT):\n',
        "    with contextlib.nullcontext():\n",
        f"{DOWNLOAD}::test_many_at_once_download_once",
    ),
    Guard(
        "whoever waited for the lock looks again",
        DOWNLOAD_PY,
        "            if is_sound(path, expected):  # another process was faster\n                return path, tried\n",
        "",
        f"{DOWNLOAD}::test_many_at_once_download_once",
    ),
    Guard(
        "what a killed download left is removed",
        DOWNLOAD_PY,
        "        _sweep(path)\n",
        "",
        f"{DOWNLOAD}::test_partials_of_other_files_are_left_for_an_hour",
    ),
    Guard(
        "the partial files of others are left for an hour",
        DOWNLOAD_PY,
        "if ours or time.time() - partial.stat().st_mtime > STALE:",
        "if True:",
        f"{DOWNLOAD}::test_partials_of_other_files_are_left_for_an_hour",
    ),
    Guard(
        "a cached file that is found corrupt is looked at again under the lock",
        DOWNLOAD_PY,
        "            if not is_sound(path, expected):\n                _discard(path)",
        "            _discard(path)",
        f"{DOWNLOAD}::test_discard_looks_again_once_it_has_the_lock",
    ),
    Guard(
        "the cache does not keep a corrupt file",
        "zoo/weights.py",
        "        download.discard(path, expected)\n",
        "        pass\n",
        f"{WEIGHTS}::test_the_cache_never_keeps_a_bad_file",
    ),
    Guard(
        "a user's folder is read from there alone",
        "zoo/weights.py",
        "    if not card.published:\n        return artifacts.read_weights(card.folder)\n",
        "",
        f"{WEIGHTS}::test_a_users_folder_is_read_from_that_folder_alone",
    ),
    Guard(
        "clearing the cache touches only what is ours",
        DOWNLOAD_PY,
        "if NAME.fullmatch(p.parent.name) and _CACHED.fullmatch(p.name))",
        "if True)",
        f"{DOWNLOAD}::test_clear_touches_only_what_is_ours",
    ),
    # ---- images
    Guard(
        "an image's size is read before its pixels",
        IMAGES_PY,
        "            if image.width * image.height > cap:\n",
        "            if False:\n",
        f"{IMAGES}::test_a_bomb_is_refused_by_its_header",
    ),
    Guard(
        "a PNG's compressed texts are reckoned before they are unpacked",
        IMAGES_PY,
        "        _refuse_wordy(source)\n        with Image.open(source, formats=FORMATS) as image:\n            if ",
        "        with Image.open(source, formats=FORMATS) as image:\n            if ",
        "tests/reliability/test_hostile_images.py::test_it_is_refused",
    ),
    Guard(
        "a header that claims more pixels than its bytes can hold is refused",
        IMAGES_PY,
        "            _refuse_hollow(image)\n",
        "",
        "tests/reliability/test_hostile_images.py::test_it_is_refused",
    ),
    Guard(
        "only listed formats are tried",
        IMAGES_PY,
        "        with Image.open(source, formats=FORMATS) as image:\n            if image.width",
        "        with Image.open(source) as image:\n            if image.width",
        f"{IMAGES}::test_formats_outside_the_list_are_not_tried",
    ),
    Guard(
        "whatever hostile bytes make Pillow raise is one sentence",
        IMAGES_PY,
        "    except Exception as error:  # hostile bytes",
        "    except KeyError as error:  # hostile bytes",
        f"{IMAGES}::test_truncated_files_are_named",
    ),
    Guard(
        "more than 1 % of unreadable images stop a folder",
        "keras_gans/data/encoded.py",
        "        if len(skipped) > SKIPPED_AT_MOST * count:\n",
        "        if False:\n",
        "tests/data/test_sources.py::test_unreadable_files_are_skipped_named_and_counted",
    ),
    Guard(
        "an archive's entry that claims too many bytes is not unpacked",
        "keras_gans/data/archive.py",
        "            if entry.file_size > 8 * pixels.max_pixels_allowed():\n",
        "            if False:\n",
        "tests/data/test_archive.py::test_bombs_are_skipped_by_what_they_claim",
    ),
    Guard(
        "arrays are loaded without pickle",
        "keras_gans/data/arrays.py",
        "        with np.load(path, allow_pickle=False) as arrays:",
        "        with np.load(path, allow_pickle=True) as arrays:",
        "tests/data/test_arrays.py::test_npz_that_are_refused",
    ),
    Guard(
        "floats that are not finite are refused",
        "keras_gans/data/check.py",
        "    if not np.isfinite(low + high):\n",
        "    if False:\n",
        "tests/data/test_check.py::test_images_that_are_refused",
    ),
    # ---- training
    Guard(
        "a gradient that is not finite moves no weight",
        "keras_gans/training/tensorflow_step.py",
        "        tf.cond(first, lambda: (run(), 0)[1], lambda: 0)\n",
        "        run()\n",
        f"{GAME}::test_a_gradient_whose_square_is_infinite_is_skipped",
    ),
    Guard(
        "nor does one whose square is infinite",
        "keras_gans/training/tensorflow_step.py",
        "tf.reduce_sum(tf.square(tf.convert_to_tensor(g)))",
        "tf.reduce_sum(tf.convert_to_tensor(g))",
        f"{GAME}::test_a_gradient_whose_square_is_infinite_is_skipped",
    ),
    Guard(
        "a turn that is skipped moves no batch statistics",
        GAME_PY,
        "variable.assign(ops.where(ops.logical_and(finite, ops.isfinite(after)), after, value))\n",
        "pass\n",
        f"{GAME}::test_a_turn_that_is_skipped_moves_no_statistics",
    ),
    Guard(
        "a loss that is not finite is in no epoch's mean",
        GAME_PY,
        "        finite = ops.isfinite(values)\n",
        '        finite = ops.ones_like(values, "bool")\n',
        "tests/reliability/test_not_finite.py::test_no_variable_takes_what_is_not_finite",
    ),
    Guard(
        "ten turns in a row without a finite gradient stop a run",
        CALLBACKS_PY,
        "            if int(keras.ops.convert_to_numpy(count)) >= PATIENCE:\n",
        "            if False:\n",
        FIFTH,
    ),
    Guard(
        "a weight that is not finite is in no checkpoint",
        CHECKPOINT_PY,
        "    if not all(np.isfinite(t).all() for t in tensors.values()):\n",
        "    if False:\n",
        FIFTH,
    ),
    Guard(
        "a checkpoint is hashed before it is parsed",
        CHECKPOINT_PY,
        "    return data if artifacts.sha256_bytes(data)[:16] == _NAME.fullmatch(path.name)[2] else None\n",
        "    return data\n",
        f"{CALLBACKS}::test_checkpoints_keep_the_last_two_and_skip_a_damaged_one",
    ),
    Guard(
        "the checkpoint before is kept",
        CALLBACKS_PY,
        "    def __init__(self, folder, every=None, keep=2):\n",
        "    def __init__(self, folder, every=None, keep=1):\n",
        f"{CALLBACKS}::test_checkpoints_keep_the_last_two_and_skip_a_damaged_one",
    ),
    Guard(
        "a damaged checkpoint of a later step is not one of those that are kept",
        CHECKPOINT_PY,
        "    return [*same, *damaged, *before[: max(0, len(before) - keep + 1)]]\n",
        "    return [*same, *before[: max(0, len(before) - keep + 1)]]\n",
        f"{CALLBACKS}::test_a_damaged_checkpoint_of_a_later_step_is_none_of_those_that_are_kept",
    ),
    Guard(
        "what a killed run had begun to write is removed",
        CALLBACKS_PY,
        "        checkpoint.clear_partial_files(self.folder)\n",
        "",
        f"{CALLBACKS}::test_what_a_killed_process_had_begun_to_write_is_removed",
    ),
    Guard(
        "a checkpoint of another run is refused",
        CHECKPOINT_PY,
        "        if None not in (value, record.get(key)) and record[key] != value:\n",
        "        if False:\n",
        f"{GAME}::test_callbacks_see_one_beginning_and_one_end_in_a_resumed_run",
    ),
    Guard(
        "an optimizer of a card is an optimizer",
        "keras_gans/training/optimizers.py",
        "        if isinstance(home.get(name), type) and issubclass(home[name], kinds):\n",
        "        if name in home:\n",
        "tests/training/test_optimizers.py::test_a_cards_table_names_an_optimizer_or_a_schedule_and_nothing_else",
    ),
    Guard(
        "a few images that hold NaN are left out",
        "keras_gans/data/check.py",
        "    if 0 < len(bad) <= SKIPPED_AT_MOST * len(images):\n",
        "    if False:\n",
        "tests/data/test_check.py::test_a_few_images_that_hold_nan_are_left_out_named_and_counted",
    ),
    # ---- the source itself
    Guard(
        "nothing that is imported can run what a file says",
        "keras_gans/artifacts.py",
        "import json\n",
        "import json\nimport pickle\n",
        "tests/test_promises.py::test_no_module_breaks_a_promise",
    ),
]
