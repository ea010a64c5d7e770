"""What the scripts that measure beside a peer share: processes that take turns, ratios with their spread, the machine.

TensorFlow and PyTorch disturb each other in one process. So each contestant has one of its own, which builds what it
needs, says that it is ready, and then answers one request after the other while the rest wait: what else the machine
does meets all of them alike. A script gives `run` two functions: `main`, and `contestant(**options)`, which returns
what can be asked of such a process, by name.
"""

import argparse
import contextlib
import importlib.util
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
if str(ROOT) not in sys.path:  # a checkout does without being installed
    sys.path.insert(0, str(ROOT))

FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
PACKAGES = ("keras", "tensorflow", "numpy", "torch")
BUSY = 0.5  # load average above which somebody else computes
PATIENCE = 30  # seconds that a process has to end


# --- processes ------------------------------------------------------------------------------------------


def run(main, contestant):
    """A script's end: the whole of it, or, where `Worker` started it, one contestant."""
    if sys.argv[1:2] != ["--worker"]:
        return main()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print goes to standard error, and is no answer
    methods = contestant(**json.loads(sys.argv[2]))
    print(json.dumps("ready"), file=answers, flush=True)
    for line in sys.stdin:
        what, arguments = json.loads(line)
        print(json.dumps(methods[what](**arguments)), file=answers, flush=True)


class Worker:
    """The process of one contestant, which its script's `contestant(**options)` builds."""

    def __init__(self, script, options, kept=True, env=None):
        """Args:
        script: the file that calls `run`.
        options: JSON.
        kept: whether freed memory is kept for the next step (see `environment`).
        env: further variables of its environment.
        """
        self.options = options
        command = [sys.executable, str(script), "--worker", json.dumps(options)]
        pipe, env = subprocess.PIPE, {**environment(kept), **(env or {})}
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=env)
        self.answer()

    def ask(self, what, **arguments):
        """The answer to one request."""
        self.post(what, **arguments)
        return self.answer()

    def post(self, what, **arguments):
        """A request whose `answer` is fetched later."""
        print(json.dumps([what, arguments]), file=self.process.stdin, flush=True)

    def answer(self):
        """The answer to the oldest request that was posted."""
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.options} ended with exit code {self.process.wait()}: standard error says why.")
        return json.loads(line)

    def close(self):
        """Lets the process end, which it does when there are no more requests; one that hangs is ended."""
        self.process.stdin.close()
        try:
            self.process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class Team:
    """Workers that do one thing together: the first one's answer is the team's."""

    def __init__(self, workers):
        self.workers = workers

    def ask(self, what, **arguments):
        for worker in self.workers:
            worker.post(what, **arguments)
        answers = [worker.answer() for worker in self.workers]
        return answers[0]

    def close(self):
        for worker in self.workers:
            worker.close()


@contextlib.contextmanager
def field(script, entries):
    """{name: Worker} for {name: options}; `kept` and `env` among them, where they are there, are the environment's.

    A list of options makes a `Team`.
    """
    workers = {}
    try:
        for name, options in entries.items():
            several = [_started(script, each) for each in (options if isinstance(options, list) else [options])]
            workers[name] = Team(several) if isinstance(options, list) else several[0]
        yield workers
    finally:
        for worker in workers.values():
            worker.close()


def _started(script, options):
    rest = {key: value for key, value in options.items() if key not in ("kept", "env")}
    return Worker(script, rest, options.get("kept", True), options.get("env"))


def environment(kept=True):
    """The environment of a contestant. `kept`: as `keras-gans train` has it, and not a script of one's own.

    glibc keeps what is freed (cli/memory.py), and TensorFlow computes by oneDNN (cli/kernels.py). The first counts for
    both sides alike: PyTorch's tensors on a processor come from the same malloc. The second PyTorch does by itself.
    """
    settings = train_settings()
    env = {key: value for key, value in os.environ.items() if key not in settings}
    return {**env, **(settings if kept else {}), "TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"}


def train_settings():
    """{variable: value} of what `keras-gans train` sets."""
    from keras_gans.cli import kernels, memory

    return {name: str(value) for name, _, value in memory._SETTINGS} | kernels.SETTINGS


# --- measuring ------------------------------------------------------------------------------------------


now = time.perf_counter


def seconds(work, count=1, warm=1):
    """Seconds of one `work()`, the mean of `count` of them after `warm` that nobody times.

    The caches hold what the contestant before left there.
    """
    for _ in range(warm):
        work()
    began = now()
    for _ in range(count):
        work()
    return (now() - began) / count


def alternate(workers, repeats, what="seconds", **arguments):
    """{name: [answer, ...]}: every contestant once a round, and every other round backwards."""
    taken = {name: [] for name in workers}
    for i in range(repeats):
        for name in [*workers] if i % 2 == 0 else [*workers][::-1]:
            taken[name].append(workers[name].ask(what, **arguments))
    return taken


def spread(values):
    """{"median", "low", "high"}."""
    return {"median": statistics.median(values), "low": min(values), "high": max(values)}


def rates(taken, units):
    """{name: spread of units a second} of {name: [seconds, ...]}."""
    return {name: spread([units / s for s in values]) for name, values in taken.items()}


def ratio(ours, theirs):
    """How many times as fast ours is, by seconds of the same rounds: a spread."""
    return spread([b / a for a, b in zip(ours, theirs, strict=True)])


def ratios(taken, ours="ours"):
    """{name: `ratio` of ours to it} for all the others."""
    return {name: ratio(taken[ours], values) for name, values in taken.items() if name != ours}


def against_the_best(found, peer, aim):
    """{"to_the_best": ours against the fastest of those whose name begins with `peer`}; {} where there are none."""
    rivals = {name: row["median"] for name, row in found["images_per_s"].items() if name.startswith(peer)}
    if not rivals:
        return {}
    best = max(rivals, key=lambda name: rivals[name])
    return {"to_the_best": {"peer": best, **judged(found["ratio_of_ours_to"][best], aim)}}


def judged(row, aim):
    """A spread whose median shall be at least `aim`, and whether it is."""
    return {**row, "aim": aim, "met": bool(row["median"] >= aim)}


def verdict(row):
    """What `judged` found, in words."""
    return f"{'met' if row['met'] else 'missed'} (at least {row['aim']:g} was aimed at)"


def short(found):
    """JSON with five digits of each number that is not whole."""
    if isinstance(found, dict):
        return {key: short(value) for key, value in found.items()}
    if isinstance(found, (list, tuple)):
        return [short(value) for value in found]
    return float(f"{found:.5g}") if isinstance(found, float) else found


# --- the machine ----------------------------------------------------------------------------------------


def has_peer():
    """Whether PyTorch is there, which is not imported here."""
    return importlib.util.find_spec("torch") is not None


def has_compiler():
    """Whether there is a C++ compiler, which torch.compile wants."""
    return any(shutil.which(name) for name in ("g++", "clang++", "c++"))


def cores():
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def machine():
    """What the figures were measured on."""
    cpu = _cpuinfo()
    have = cpu.get("flags", "").split()
    return {
        "processor": cpu.get("model name", platform.processor() or platform.machine()),
        "machine": platform.machine(),
        "cores": cores(),
        "flags": {flag: flag in have for flag in FLAGS},
        "python": platform.python_version(),
        "versions": {name: version for name in PACKAGES if (version := _version(name))},
        "load_at_start": round(LOAD, 2),
    }


def computes_bfloat16():
    """Whether the processor multiplies bfloat16 itself; else it is emulated."""
    flags = machine()["flags"]
    return flags["avx512_bf16"] or flags["amx_bf16"]


def _cpuinfo():
    """What Linux says of the first processor."""
    path = Path("/proc/cpuinfo")
    if not path.is_file():
        return {}
    first = path.read_text().split("\n\n", 1)[0]
    pairs = (line.split(":", 1) for line in first.splitlines() if ":" in line)
    return {key.strip(): value.strip() for key, value in pairs}


def _version(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


LOAD = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


# --- arguments and results ------------------------------------------------------------------------------


def parser(doc, repeats):
    """What every one of these scripts understands."""
    found = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("--repeats", type=int, default=None, help=f"rounds [{repeats}; 1 with --quick]")
    found.add_argument("--quick", action="store_true", help="tiny sizes, seconds: does it run? writes to --out alone")
    found.add_argument("--alone", action="store_true", help="leave the peer out")
    found.add_argument("--out", type=Path, help="the JSON file [benchmarks/results/, the script's name]")
    found.set_defaults(usual_repeats=repeats)
    return found


def asked(found, arguments=None, small=None):
    """The parsed arguments; `repeats` is filled in, and `peer` says whether PyTorch takes part.

    small: what --quick puts in place of other sizes.
    """
    options = found.parse_args(arguments)
    if options.quick:
        vars(options).update(small or {})
    options.repeats = options.repeats or (1 if options.quick else options.usual_repeats)
    options.peer = has_peer() and not options.alone
    if not has_peer() and not options.alone:
        print('pip install "keras_gans[bench]" brings PyTorch, the peer: without it ours is measured alone.')
    if LOAD > BUSY and not options.quick:
        print(f"Something else computes here (load average {LOAD:.1f}): these timings are no measure of the machine.")
    if "bfloat16" in getattr(options, "precision", []) and not computes_bfloat16():
        print("This processor has no arithmetic for bfloat16: it is emulated, and says nothing of one that has.")
    return options


def write(name, result, options):
    """Prints the result with the machine it was measured on, and writes it, unless it was a quick try."""
    about = {"repeats": options.repeats, "train_settings": train_settings(), "machine": machine()}
    result = short({**result, **about})
    print(json.dumps(result, indent=2))
    path = options.out or (None if options.quick else RESULTS / f"{name}.json")
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(result, indent=2) + "\n")
        print(f"wrote {path}")
    return result


def say(title, found, unit, digits=1):
    """Prints {name: spread}, a line each."""
    print(title)
    for name, row in found.items():
        print(
            f"  {name:34} {row['median']:10,.{digits}f} {unit} ({row['low']:,.{digits}f} to {row['high']:,.{digits}f})"
        )


def say_best(found):
    """Prints how ours stands to the fastest peer, where there is one."""
    if "to_the_best" in found:
        row = found["to_the_best"]
        print(f"ours to the fastest, {row['peer']}: {row['median']:.2f} x, {verdict(row)}")
