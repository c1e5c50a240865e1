"""What importing a class does to the world outside, as Python's audit events tell it."""

import inspect
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

_PROBE = """
import importlib.util, json, logging, os, sys, threading
module, file, home, told = json.loads(sys.argv[1])
done = []
environ, threads, handlers = dict(os.environ), threading.active_count(), list(logging.root.handlers)
TELLING = ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.gethostbyname",
           "socket.sendto", "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn",
           "os.fork", "sqlite3.connect", "os.mkdir", "os.remove", "os.rename", "os.rmdir",
           "os.chmod", "os.link", "os.symlink", "os.truncate", "shutil.rmtree", "urllib.Request")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
def audit(event, args):
    if event in TELLING:
        done.append(event)
    elif event == "open" and isinstance(args[0], (str, bytes)):
        path = os.fsdecode(args[0])
        flags = args[2] if isinstance(args[2], int) else 0
        if flags & WRITING and not path.startswith("/dev/"):
            done.append(f"open for writing ({os.path.basename(path)})")
        elif os.path.abspath(path).startswith(home):
            done.append(f"open of a user's file ({os.path.basename(path)})")
sys.addaudithook(audit)
try:
    spec = importlib.util.find_spec(module)
except ModuleNotFoundError:
    spec = None
if spec is None:  # a test's module, say, cannot be found by its name
    spec = importlib.util.spec_from_file_location(module, file)
    loaded = sys.modules[module] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
else:
    importlib.import_module(module)
found = set(done)
if dict(os.environ) != environ:
    changed = {name for name, _ in set(environ.items()) ^ set(os.environ.items())}
    found.add(f"changes of the environment ({', '.join(sorted(changed))})")
if threading.active_count() > threads:
    found.add("threads that go on")
if logging.root.handlers != handlers:
    found.add("logging for the whole program")
with open(told, "w") as file:
    json.dump(sorted(found), file)
"""


def io_of_import(cls: type) -> list[str]:
    """Import a class's module in a process of its own, and return what that does outside.

    Told are: files opened for writing, connections, processes, changes of folders, and files read
    in the user's home or the working directory; changed variables of the environment, threads that
    go on, and handlers of the root logger.
    """
    module, file = cls.__module__, inspect.getfile(cls)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder).resolve() / "home"
        home.mkdir()
        told = home.parent / "told.json"
        done = subprocess.run(  # noqa: S603  # our own program
            [sys.executable, "-c", _PROBE, json.dumps([module, file, str(home), str(told)])],
            env={
                "PATH": os.environ.get("PATH", ""),
                "PYTHONPATH": os.pathsep.join(sys.path),
                "PYTHONDONTWRITEBYTECODE": "1",
                "HOME": str(home),
            },
            cwd=home,
            capture_output=True,
            text=True,
            check=False,
        )
        if not told.exists():
            last = done.stderr.strip().splitlines() or ["it ended the process"]
            return [f"something that fails: {last[-1]}"]
        found: list[str] = json.loads(told.read_text())
        return found
