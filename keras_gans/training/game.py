"""The adversarial game: what two players do in a step, whatever their networks."""

import contextlib
import contextvars
from typing import Any, NamedTuple

import keras
from keras import ops

from keras_gans import augmentation, autodiff, losses, penalties, random
from keras_gans.data import check
from keras_gans.data import images as image_data
from keras_gans.training import distribution, features, fitting, optimizers, rules, run, sampling, shared, streaming
from keras_gans.training.backend import gradient_step
from keras_gans.training.pretrained import Pretrained
from keras_gans.training.scope import NestedScope

Tensor = Any
_check_penalties = penalties.check  # `compile` has an argument of the module's name


class Batch(NamedTuple):
    """What a turn sees: real images (n, h, w, c) in the game's value range, and their labels (n,) int32 or None."""

    images: Tensor
    labels: Tensor | None


def read(counter):
    """A counter's value as an int, on one replica or several."""
    return int(ops.convert_to_numpy(counter))


class Turn(NamedTuple):
    """Whose terms are computed, whether layers behave as in training, and whose terms follow in the same turn."""

    player: str
    training: bool
    following: tuple[str, ...]


_turn: contextvars.ContextVar[Turn] = contextvars.ContextVar("turn")


@contextlib.contextmanager
def _turn_of(player, noise, training=True, following=()):
    token = _turn.set(Turn(player, training, tuple(following)))
    try:
        with random.scope(noise):
            yield
    finally:
        _turn.reset(token)


class AdversarialModel(Pretrained, keras.Model):
    """A generator and a discriminator that learn by playing against each other.

    A family sets its networks in `__init__` (see `set_players`) and says in `discriminator_terms` and
    `generator_terms` what each player minimises. `fit`, `evaluate`, `save` and callbacks work as on any Keras model.

    Attributes:
        generator, discriminator: functional models.
        image_shape: (height, width, channels).
        latent: the latent dimension.
        prior: "uniform" on [-1, 1], or "normal".
        num_classes: None, or the number of classes of a conditional model.
        value_range: (low, high) of what the networks see.
        steps: Keras variable, train steps taken so far.
    """

    task = "generate"
    players = ("discriminator", "generator")
    value_range = (-1.0, 1.0)
    num_classes: int | None = None
    prior = "uniform"
    accumulate = 1

    # What a family is made of.

    def set_players(self, generator, discriminator, average):
        """Called once by a family's `__init__`. `average` is a float32 twin of the generator: the sampler."""
        self.generator, self.discriminator, self.ema_generator = generator, discriminator, average
        self.ema_generator.trainable = False
        self.steps = self._counter("steps")
        self.ema_age = self._counter("ema_age")  # updates since compile: the warm-up starts afresh
        self.ema_ready = self._counter("ema_ready")  # 1 once the sampler holds weights of its own
        # Turns in a row whose gradient was not finite.
        self.nonfinite = {player: self._counter(f"nonfinite_{player}") for player in self.players}
        self._fit_start = 0
        self.built = True

    @property
    def steps_taken(self):
        """Train steps so far, as an int."""
        return read(self.steps)

    def _counter(self, name):
        return self.add_weight(
            shape=(),
            dtype="int32",
            initializer="zeros",
            trainable=False,
            name=name,
            aggregation="only_first_replica",
        )

    def discriminator_terms(self, batch):
        """{name: scalar} whose sum the discriminator minimises, on a `Batch`."""
        raise NotImplementedError

    def generator_terms(self, batch):
        """{name: scalar} whose sum the generator minimises, on a `Batch`."""
        raise NotImplementedError

    def published_networks(self):
        return {"generator": self.sampler(), "discriminator": self.discriminator}

    def receiving_networks(self):
        return {"generator": [self.generator, self.ema_generator], "discriminator": [self.discriminator]}

    def samples(self):
        """64 pictures, seed 0; of a class-conditional model a column for each class."""
        columns = self.num_classes or 8
        return image_data.grid(self.generate(max(1, 64 // columns) * columns, seed=0), columns)

    # What the terms are written with. When all players move at once, each of these is computed once for all of them. A
    # family that overrides one, or has more that draw, decorates it likewise.

    @shared.once
    def imagine(self, batch):
        """G(z) for as many fresh z as the batch has images, for the batch's labels."""
        z = random.current().latents(_length(batch.images), self.latent, self.prior)
        return self._run("generator", z, batch.labels)

    def judge(self, images, labels):
        """D's logits of images."""
        logits, _ = self._judged(images, labels)
        return logits

    @shared.once
    def _judged(self, images, labels):
        """(D's logits, a function that gives their gradient with respect to the images, or None if no penalty asks)."""
        if _turn.get().player != "discriminator" or not {"r1", "r2"} & set(self.penalties):
            return self._run("discriminator", images, labels), None
        moved = []

        def judged(x):
            with NestedScope() as within:
                logits = self._run("discriminator", x, labels)
            moved[:] = [variable for variable, _ in within.updates()]
            return logits, [value for _, value in within.updates()]

        logits, values, slope = autodiff.with_input_gradient(judged, images)
        for variable, value in zip(moved, values, strict=True):
            variable.assign(value)
        return logits, slope

    @shared.once
    def _run(self, player, x, labels, network=None):
        """A player's network, or `network`, which has its layers.

        In the other one's turn its moving statistics stay as they are. In a turn that both take they move with what is
        computed before the player's own terms too, which get it then.
        """
        turn = _turn.get()
        own = player == turn.player or player in turn.following
        with contextlib.nullcontext() if own else NestedScope():
            network = getattr(self, player) if network is None else network
            return network(self._inputs(x, labels), training=turn.training)

    @shared.once
    def augment(self, images):
        """What the discriminator gets to see of images: DiffAugment's policies, if any were compiled in."""
        return augmentation.diff_augment(images, self.augment_policies, random.current())

    def discriminator_loss(self, real, fake, labels):
        """The compiled loss and penalties: {"d_loss": scalar, "<penalty>": scalar, ...}.

        Args:
            real, fake: images (n, h, w, c), as the discriminator sees them.
            labels: (n,) or None: of both.
        """
        on_real, on_fake = self.judge(real, labels), self.judge(fake, labels)
        loss = self._adversarial_loss.discriminator(on_real, on_fake, self.label_smoothing)
        return {"d_loss": loss, **self._penalty_terms(real, fake, labels)}

    def generator_loss(self, fake, labels):
        """The compiled loss: {"g_loss": scalar}, on generated images (n, h, w, c) as the discriminator sees them."""
        return {"g_loss": self._adversarial_loss.generator(self.judge(fake, labels))}

    def _penalty_terms(self, real, fake, labels):
        def critic(images):
            # The moving statistics are of the images that are judged, each once.
            with NestedScope(), shared.apart():
                return self._run("discriminator", images, labels)

        def slope(images):
            _, known = shared.latest(AdversarialModel._judged, self, images, labels) or (None, None)
            return autodiff.input_gradient(critic, images) if known is None else known()

        return penalties.terms(self.penalties, slope, real, fake, random.current())

    def _inputs(self, x, labels):
        return x if self.num_classes is None else [x, labels]

    def prepared(self, x, y):
        """The data of `fit` and `evaluate` as they take it; DataError says what is wrong with it."""
        size, _, channels = self.image_shape
        return check.prepare(x, y, size=size, channels=channels, num_classes=self.num_classes)

    def training_data(self, data, recipe):
        """The data of a run as its recipe and this model want it. CardError, DataError: one sentence."""
        return run.fitted(run.as_in(recipe, data), self.image_shape, self.num_classes)

    def train_first(self, data, recipe, card, out, **rest):
        """What a run trains before the game begins. Returns the data as the game takes it.

        Args:
            data: what `training_data` gave.
            recipe, card, out: of the run; a part of it has a folder of its own in `out`.
            rest: `stop` and `callbacks`, as of `training.run.train`.
        """
        return data

    def settle(self, data):
        """What is left to do when a run ends, with the data that it saw."""
        self.reestimate_statistics()

    # Compiling.

    def compile(
        self,
        generator_optimizer=None,
        discriminator_optimizer=None,
        loss="non_saturating",
        *,
        label_smoothing=0.0,
        discriminator_steps=1,
        penalties=None,
        ema_decay=0.999,
        ema_warmup=9,
        augment=(),
        update="alternating",
        accumulate=1,
        seed=0,
        jit_compile="auto",
        run_eagerly=False,
        steps_per_execution=1,
    ):
        """Says how the game is played.

        Args:
            generator_optimizer, discriminator_optimizer: optimizer, name, or a recipe's table. None:
                `default_optimizer`.
            loss: "minimax", "non_saturating", "hinge", "least_squares", "wasserstein", or a pair of functions:
                discriminator(real, fake, smoothing) and generator(fake), of logits (n, 1), each giving a scalar.
            label_smoothing: one-sided: the discriminator's target for real images is 1 minus this.
            discriminator_steps: turns of the discriminator for one of the generator (the 2014 paper's k). Each batch is
                divided among them, so that every turn sees fresh images.
            penalties: {"r1": weight, "r2": weight, "gradient_penalty": weight}, any of them.
            ema_decay: decay of the generator's moving average, which `generate` then uses. None (or 0): no average.
            ema_warmup: keeps the average from reaching back to where training began: it spans at most the steps so
                far divided by this, whatever the decay (after k steps no more than (k + 1) / (k + 1 + ema_warmup)).
                1 to 3 average widely, 0 takes the decay as it is from the first step on.
            augment: DiffAugment policies among "color", "translation", "cutout".
            update: "alternating", or "simultaneous": both gradients are taken before either player moves, and of the
                same generated images, which are drawn and judged once.
            accumulate: how many equal micro-batches a turn's batch is gone through in, one after the other, before the
                player moves by the mean of their gradients: memory is that of one micro-batch. Noise is that of the
                whole batch; batch statistics are those of each micro-batch, and moving ones follow each of them. On
                TensorFlow the step's graph grows with it, and XLA, which orders operations itself, saves less.
            seed: of all that training draws.
            jit_compile, run_eagerly, steps_per_execution: as for `keras.Model.compile`.

        Raises:
            DistributionError: the model was made under a tf.distribute.Strategy that it can not train under.
            ValueError: one of these is not what it has to be.
        """
        distribution.check(self)
        adversarial_loss = losses.get(loss)
        rules.check(
            loss,
            adversarial_loss,
            label_smoothing,
            discriminator_steps,
            update,
            ema_decay,
            ema_warmup,
            seed,
            accumulate,
        )
        weights, policies = _check_penalties(penalties), augmentation.check(augment)
        by_xla = jit_compile is True and not run_eagerly
        if by_xla and distribution.strategy_of(self) is not None:
            raise ValueError(
                "XLA compiles the step of one device, and this model was made under a tf.distribute strategy: leave "
                "jit_compile out"
            )
        same = generator_optimizer is discriminator_optimizer
        if same and isinstance(generator_optimizer, keras.optimizers.Optimizer):
            raise ValueError("each player needs an optimizer of its own, and both were given the same one")
        playing = {
            "generator_optimizer": self._optimizer("generator", generator_optimizer),
            "discriminator_optimizer": self._optimizer("discriminator", discriminator_optimizer),
        }
        # Everything is checked: from here on nothing is left half done.
        super().compile(
            optimizer=None,
            jit_compile=False if by_xla else jit_compile,
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
        )
        if by_xla:  # Keras refuses it where operations shall add up in one order, for those that XLA then lacks
            self._jit_compile = True
        self._asked_jit_compile = jit_compile  # what "auto" comes to depends on the backend that reads the file
        self._adversarial_loss = adversarial_loss
        self.loss_name, self.label_smoothing = loss, float(label_smoothing)
        self.discriminator_steps, self.update, self.seed = discriminator_steps, update, int(seed)
        self.accumulate = accumulate
        self.penalties, self.augment_policies = weights, policies
        self.ema_decay, self.ema_warmup = ema_decay, ema_warmup
        self.generator_optimizer = playing["generator_optimizer"]
        self.discriminator_optimizer = playing["discriminator_optimizer"]
        self.means = {name: keras.metrics.Mean(name=name) for name in self.term_names()}
        for counter in (self.ema_age, *self.nonfinite.values()):
            counter.assign(0)
        if ema_decay is None:
            self.ema_ready.assign(0)

    def default_optimizer(self, player):
        """What `compile` takes for a player when nothing is given: DCGAN's Adam, at 2e-4 with beta_1 .5.

        A loaded model's discriminator learns at twice that: its players are in balance, and it has to see what is new
        in the data before the generator can follow (two time-scales: Heusel et al. 2017).
        """
        faster = player == "discriminator" and self.has_card_weights
        return keras.optimizers.Adam(4e-4 if faster else 2e-4, beta_1=0.5, epsilon=1e-8)

    def _optimizer(self, player, optimizer):
        optimizer = self.default_optimizer(player) if optimizer is None else optimizers.get(optimizer)
        network = getattr(self, player)
        if network.dtype_policy.name == "mixed_float16" or self.dtype_policy.name == "mixed_float16":
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        # Keras builds `self.optimizer` alone, and under tf.distribute an optimizer can not be built within a step.
        optimizer.build(network.trainable_variables)
        return optimizer

    def term_names(self):
        """Names of all that `discriminator_terms` and `generator_terms` report."""
        return ["d_loss", "g_loss", *self.penalties]

    def get_compile_config(self):
        if not self.compiled:
            return {}
        return {
            "generator_optimizer": rules.serialize_optimizer(self.generator_optimizer),
            "discriminator_optimizer": rules.serialize_optimizer(self.discriminator_optimizer),
            "loss": rules.serialize_loss(self.loss_name),
            "label_smoothing": self.label_smoothing,
            "discriminator_steps": self.discriminator_steps,
            "penalties": dict(self.penalties),
            "ema_decay": self.ema_decay,
            "ema_warmup": self.ema_warmup,
            "augment": list(self.augment_policies),
            "update": self.update,
            "accumulate": self.accumulate,
            "seed": self.seed,
            "jit_compile": self._asked_jit_compile,
            "run_eagerly": self.run_eagerly,
            "steps_per_execution": self.steps_per_execution,
            "frozen": {player: rules.frozen_layers(getattr(self, player)) for player in self.players},
        }

    def compile_from_config(self, config):
        config = dict(config)
        for player in self.players:
            key = f"{player}_optimizer"
            config[key] = keras.optimizers.deserialize(config[key])
        config["loss"] = rules.deserialize_loss(config["loss"])
        for player, names in config.pop("frozen", {}).items():
            rules.freeze(getattr(self, player), names)
        self.compile(**config)

    # Playing.

    def call(self, inputs, training=False):
        """Latents (n, latent), or [latents, labels] -> images in the game's value range."""
        return self.generator(inputs, training=training)

    def train_step(self, data):
        """`discriminator_steps` turns of the discriminator on fresh images, then one of the generator."""
        batch = self._batch(data)
        chunks = self._chunks(batch)
        for turn, chunk in enumerate(chunks[:-1]):
            self._play(("discriminator",), chunk, turn)
        if self.update == "simultaneous":
            self._play(self.players, chunks[-1], len(chunks) - 1)
        else:
            for player in self.players:
                self._play((player,), chunks[-1], len(chunks) - 1)
        self._update_average(batch)
        self.steps.assign_add(gradient_step().after(batch.images, 1))
        return {name: mean.result() for name, mean in self.means.items()}

    def _play(self, players, batch, turn):
        """Takes the gradients of `players`, all of the same weights, then moves them."""
        self._check_parts(batch)
        networks = [getattr(self, player) for player in players]
        variables = [network.trainable_variables for network in networks]
        before = [[(variable, ops.copy(variable)) for variable in _followed(network)] for network in networks]
        terms, grads = gradient_step().gradients(
            lambda part: self._terms_of(players, batch, turn, part),
            variables,
            [getattr(self, f"{player}_optimizer") for player in players],
            self.accumulate,
        )
        for each, *what in zip(terms, players, variables, grads, before, strict=True):
            self._report(each)
            self._move(*what)

    def _move(self, player, variables, grads, before):
        """Moves a player. One whose gradient is not finite stays, and its statistics are again what they were before.

        Args:
            before: [(variable, value), ...] of the statistics.
        """
        finite = True
        if variables:  # a frozen player is only watched
            finite = gradient_step().apply(grads, variables, getattr(self, f"{player}_optimizer"))
            count = self.nonfinite[player]
            count.assign(ops.where(finite, 0, count + 1))
        for variable, value in before:
            after = ops.copy(variable)
            variable.assign(ops.where(ops.logical_and(finite, ops.isfinite(after)), after, value))

    def _terms_of(self, players, batch, turn, part=0):
        """[{name: scalar}, ...] of players who take their turn together, on one micro-batch of its batch."""
        noise = self._noise(players[0], batch, turn, part)
        batch, found = self._part(batch, part), []
        with shared.block() as kept:
            for number, player in enumerate(players, start=1):
                kept.next_player()
                with _turn_of(player, noise, following=players[number:]):
                    found.append(self._terms(player, batch))
        return found

    def _terms(self, player, batch):
        return getattr(self, f"{player}_terms")(batch)

    def _noise(self, player, batch, turn, part=0):
        step = self.steps * self.discriminator_steps + turn
        return self._stream(self.players.index(player), step, batch, part, self.accumulate)

    def _stream(self, number, step, batch, part=0, parts=1):
        """This replica's part of a turn's noise: its samples are counted on from those of the replicas before it."""
        index, _ = gradient_step().replica()
        return random.Noise(self.seed, number, step, index * _length(batch.images), part, parts)

    def _part(self, batch, part):
        """A micro-batch: every k-th image, as for several turns of the discriminator."""
        k = self.accumulate
        if k == 1:
            return batch
        return Batch(*(None if x is None else ops.reshape(x, (-1, k, *x.shape[1:]))[:, part] for x in batch))

    def _check_parts(self, batch):
        n = batch.images.shape[0]
        if n is not None and n % self.accumulate:
            raise ValueError(
                f"a turn's batch is gone through in {self.accumulate} micro-batches: {n} images do not divide by "
                f"{self.accumulate}"
            )

    def _report(self, terms):
        """Adds each term's mean over the replicas where it is finite: one NaN shall not hide an epoch's losses."""
        values = ops.stack([ops.cast(value, "float32") for value in terms.values()])
        finite = ops.isfinite(values)
        both = ops.stack([ops.where(finite, values, 0.0), ops.cast(finite, "float32")])
        totals, counts = ops.unstack(gradient_step().total(both))
        for i, name in enumerate(terms):
            seen = ops.cast(counts[i] > 0, "float32")
            self.means[name].update_state(totals[i] / ops.maximum(counts[i], 1.0), sample_weight=seen)

    def _update_average(self, batch):
        if self.ema_decay is None:
            self.ema_ready.assign(0)  # a sampler with weights of its own no longer follows
            return
        age = ops.cast(self.ema_age, "float32")
        decay = ops.minimum(self.ema_decay, (1.0 + age) / (1.0 + age + self.ema_warmup))
        decay = decay * ops.cast(self.ema_ready, "float32")  # the first update copies
        for average, raw in zip(self.ema_generator.weights, self.generator.weights, strict=True):
            average.assign(raw + decay * (average - raw))
        self.ema_age.assign_add(gradient_step().after(batch.images, 1))
        self.ema_ready.assign(1)

    def test_step(self, data):
        """Every term on one batch, with nothing updated and layers as at inference."""
        batch = self._batch(data)
        seen = ops.cast(self.means["d_loss"].count, "int32")  # so that each batch meets other latents
        for number, player in enumerate(self.players, start=len(self.players)):
            with _turn_of(player, self._stream(number, seen, batch), training=False):
                self._report(self._terms(player, batch))
        return {name: mean.result() for name, mean in self.means.items()}

    def _batch(self, data):
        images, labels = data if isinstance(data, (tuple, list)) else (data, None)
        images = image_data.to_range(images, *self.value_range)
        return Batch(images, None if self.num_classes is None else ops.cast(labels, "int32"))

    def _chunks(self, batch):
        """The batch in `discriminator_steps` equal parts."""
        k, n = self.discriminator_steps, batch.images.shape[0]
        if k == 1:
            return [batch]
        if n is not None and n % k:
            raise ValueError(
                f"a batch is shared out to {k} turns of the discriminator: {n} images do not divide by {k}"
            )
        # Every k-th image: then replicas that hold consecutive parts of a batch share it out as one device does.
        labels = batch.labels
        return [Batch(batch.images[i::k], None if labels is None else labels[i::k]) for i in range(k)]

    # Fitting.

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        verbose="auto",
        callbacks=None,
        validation_data=None,
        initial_epoch=0,
        steps_per_epoch=None,
        validation_steps=None,
        validation_freq=1,
    ):
        """Trains both players.

        Args:
            x: real images: uint8 0..255 or float in [-1, 1], (n, h, w, c); or a folder of images of any sizes; or
                `keras_gans.data.load(...)`; or a tf.data.Dataset of batches of images or (images, labels).
            y: labels (n,), for a class-conditional model and images given as an array.
            batch_size: images for one turn; a step takes `discriminator_steps` times as many. None: 32, or as many as
                there are. A tf.data.Dataset brings its own.
            epochs, verbose, callbacks, validation_data, initial_epoch, steps_per_epoch, validation_steps,
                validation_freq: as for `keras.Model.fit`. A `keras_gans.callbacks.Checkpoint` among the callbacks
                resumes an interrupted run, within an epoch too.

        Returns:
            `keras.callbacks.History`; the losses are means over each epoch.

        Raises:
            DataError: the images or labels are not what this model takes; nothing was trained.
            DistributionError: another process of the run is gone.
            TrainingError: ten turns in a row had a gradient that was not finite; the weights still are.
        """
        self._assert_compile_called("fit")
        with distribution.together(distribution.strategy_of(self)):
            return fitting.fit(
                self,
                x,
                y,
                batch_size,
                epochs,
                verbose,
                callbacks,
                initial_epoch,
                steps_per_epoch,
                validation_data,
                validation_steps=validation_steps,
                validation_freq=validation_freq,
            )

    def evaluate(self, x=None, y=None, batch_size=64, **kwargs):
        """The means of every player's terms over x, with nothing updated. Arguments as for `fit` and `keras.Model`."""
        if kwargs.get("_use_cached_eval_dataset"):  # which is how Keras's fit asks for its validation
            return super().evaluate(x, y, **kwargs)
        self._assert_compile_called("evaluate")
        return fitting.evaluate(self, x, y, batch_size, **kwargs)

    # Looking.

    def features(self, images, labels=None, layers=None, batch_size=64):
        """What the discriminator sees in images, to train other models on (Radford et al. 2015, section 5.1).

        The activations of its convolutions, at inference, each max-pooled to a grid of 4x4, flattened and concatenated;
        of a discriminator without convolutions, those of its hidden layers.

        Args:
            images: uint8 or float in [-1, 1], (n, h, w, c) of the model's size; or a folder, "tfds:NAME" or
                `keras_gans.data.load(...)`, which are resized.
            labels: for a class-conditional model, one class or n of them. None: where labels have a part in the
                activations, their mean over all classes, which takes as many passes: labels that the images bring are
                not looked at, for what is to be learnt from the features shall not be in them.
            layers: names among `feature_layers()`. None: all.
            batch_size: images looked at at once.

        Returns:
            float32 NumPy array (n, d).

        Raises:
            DataError: the images are others; it says how to bring them there.
            ValueError: labels or layers are not as above.
        """
        return features.features(self, images, labels, layers, batch_size)

    def feature_layers(self):
        """The names of the discriminator's layers whose activations `features` gives."""
        return list(features.hidden(self.discriminator))

    # Drawing.

    def generate(self, n=16, seed=0, labels=None, latents=None, truncation=None, output="uint8", batch_size=32):
        """Pictures.

        Picture i is a function of (weights, seed, i), and but for rounding of nothing else: not of n, batch size or
        device. The batches of a model made under tf.distribute's MirroredStrategy are dealt to all of its devices.

        Args:
            n: how many. Ignored when latents are given.
            seed: whole number of at least 0.
            labels: for a class-conditional model, one class or n of them; None: 0, 1, 2, ... in turn.
            latents: (n, latent) instead of drawn ones.
            truncation: None, or a number: latents stay within it (`keras_gans.random.sample_latents`), which trades
                variety for fewer failures.
            output: "uint8" for 0..255, "float" for [-1, 1].
            batch_size: pictures computed at once.

        Returns:
            NumPy array (n, height, width, channels).

        Raises:
            ValueError: an argument is not what it has to be.
        """
        return sampling.generate(self, n, seed, labels, latents, truncation, output, batch_size)

    def generate_to(self, path, n, seed=0, labels=None, truncation=None, batch_size=32, shard=None, progress=None):
        """`generate`, written to disk as it is drawn: any number of pictures in the memory that a few batches take.

        What was stopped, however it ended, goes on where it was when it is called again with the same arguments, and
        comes to the same bytes on the same machine. Until it is whole it has another name, `path`.partial. Batches are
        dealt to all devices that TensorFlow shows of the kind that it computes on.

        Args:
            path: an array (n, h, w, c) of uint8, if it ends in .npy: what stands there is replaced at the end. Else a
                folder of 000000.png and so on, which must be new or empty: picture 10,000 and those after it lie in
                subfolders of 10,000, as 010000/010000.png. `keras_gans.data.load` reads either.
            n, seed, labels, truncation: as of `generate`, whose pictures these are.
            batch_size: pictures computed at once, by each device.
            shard: (index, count): this process draws part `index` of `count`, from (1, count) to (count, count), into
                what all of them write to, on one machine or on several that share the disk. The last one moves it to
                its place. Shards do not change the pictures.
            progress: function (done, total), called after each batch with the pictures of this shard. What it raises
                ends the drawing, which can be taken up again.

        Returns:
            Whether all of it is there: with shards, whether this was the last one.

        Raises:
            KerasGansError: other pictures were begun there, or other files are; another process draws the same shard;
                or the disk has no room.
            ValueError: an argument is not what it has to be.
        """
        pictures = sampling.of_seed(self, n, seed, labels, truncation)
        return streaming.write(self, pictures, path, batch_size, shard, progress)

    def sampler(self):
        """The float32 network that draws: the moving average, or a copy of the generator where there is none."""
        if not read(self.ema_ready):
            self.ema_generator.set_weights(self.generator.get_weights())
        return self.ema_generator

    def reestimate_statistics(self, batches=50, batch_size=64, seed=0):
        """Sets the sampler's batch-normalisation statistics to means over `batches` batches of fresh latents.

        The statistics that training leaves lag behind the weights. The paper's DCGAN samples with each batch's own.
        """
        sampling.reestimate_statistics(self, batches, batch_size, seed)


def _followed(network):
    """Variables that layers move by themselves as they are trained: batch statistics, vectors of spectral norms."""
    layers = [layer for layer in network._flatten_layers() if layer.trainable]
    found = [variable for layer in layers for variable in layer._non_trainable_variables]
    return [variable for variable in found if keras.backend.is_float_dtype(variable.dtype)]


def _length(images):
    return images.shape[0] or ops.shape(images)[0]
