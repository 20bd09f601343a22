"""Offline: whatever asks for the network is refused and named, here and in every Python started from here; each in a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import yaml

from tripel import offline
from tripel.cli import main as cli

ROOT = Path(__file__).parents[1]
LINES = {"PYTHONPATH": str(ROOT / "src"), "PATH": os.environ["PATH"]}
TEXT = "Patient-1234"


def python(code: str, tmp_path: Path, *, script: str = "asks.py", **more: str) -> subprocess.CompletedProcess[str]:
    """Run a script with an empty home and nothing of this process's environment."""
    (tmp_path / script).write_text(textwrap.dedent(code), encoding="utf-8")
    words = [sys.executable, "-W", "error", str(tmp_path / script)]
    home = {"HOME": str(tmp_path), "HF_HOME": str(tmp_path / "hub")}
    env = {**LINES, **home, **more}
    return subprocess.run(words, capture_output=True, text=True, timeout=300, env=env, cwd=tmp_path)


def refusal(asks: str, tmp_path: Path, *, before: str = "", **more: str) -> str:
    """What is said of a line that asks for the network: the innermost error that is ours."""
    code = f"""
import tripel
tripel.offline.enforce()
{before}
def asking():
    {asks}
try:
    asking()
except Exception as error:
    while error and "offline: " not in str(error):
        error = error.__cause__ or error.__context__
    print(error)
"""
    done = python(code, tmp_path, **more)
    assert done.returncode == 0, done.stderr
    assert "offline: " in done.stdout, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("asks", "target"),
    [
        ("urllib.request.urlopen(f'https://example.org/?q={text}', timeout=5)", "example.org:443"),
        ("socket.create_connection(('203.0.113.7', 80), 5)", "203.0.113.7:80"),
        ("socket.socket().connect(('203.0.113.7', 80))", "203.0.113.7:80"),
        ("socket.socket().connect(('no-such-host.invalid', 80))", "no-such-host.invalid:80"),
        ("socket.socket().connect_ex(('no-such-host.invalid', 80))", "no-such-host.invalid:80"),
        ("socket.socket(socket.AF_INET6).connect(('2001:db8::1', 80))", "[2001:db8::1]:80"),
        ("socket.socket(type=socket.SOCK_DGRAM).sendto(text.encode(), ('203.0.113.7', 53))", "203.0.113.7:53"),
        ("socket.socket(type=socket.SOCK_DGRAM).sendto(text.encode(), 0, ('host.invalid', 53))", "host.invalid:53"),
        (
            "socket.socket(type=socket.SOCK_DGRAM).sendmsg([text.encode()], [], 0, ('203.0.113.7', 53))",
            "203.0.113.7:53",
        ),
        ("socket.getaddrinfo('example.org', 443)", "example.org:443"),
        ("socket.gethostbyname('example.org')", "example.org was"),
        ("socket.gethostbyname_ex('example.org')", "example.org was"),
        ("socket.gethostbyaddr('203.0.113.7')", "203.0.113.7 was"),
        ("socket.getnameinfo(('203.0.113.7', 80), 0)", "203.0.113.7:80"),
        ("smtplib.SMTP('example.org', timeout=5)", "example.org:25"),
        ("_socket.socket().connect(('203.0.113.7', 80))", "203.0.113.7:80"),
    ],
)
def test_what_python_itself_asks_is_refused_and_the_line_is_named(asks: str, target: str, tmp_path: Path) -> None:
    before = f"import _socket, smtplib, socket, urllib.request; text = '{TEXT}'"
    said = refusal(asks, tmp_path, before=before)
    assert target in said
    assert f"was asked for by {tmp_path / 'asks.py'}:6 in asking" in said
    assert "--offline" in said and "bring what is needed to it first" in said
    assert TEXT not in said


@pytest.mark.parametrize(
    ("library", "inside"),
    [
        ("requests", "urllib3/util/connection.py:"),
        ("httpx", "httpcore/_backends/sync.py:"),
        ("httpx2", "httpcore2/_backends/sync.py:"),  # of the hub
    ],
)
def test_libraries_are_named_with_what_called_them(library: str, inside: str, tmp_path: Path) -> None:
    said = refusal(f"{library}.get('https://example.org', timeout=5)", tmp_path, before=f"import {library}")
    assert "example.org:443 was asked for by" in said
    assert inside in said and f", called through {library}, __main__." in said


@pytest.mark.parametrize("early", [True, False], ids=["flags in time", "hub imported before"])
def test_the_hub_asks_for_nothing(early: bool, tmp_path: Path) -> None:
    code = f"""
        {"" if early else "import huggingface_hub.constants"}
        import tripel
        tripel.offline.enforce()
        import huggingface_hub
        try:
            huggingface_hub.hf_hub_download("someone/something", "config.json")
        except Exception as error:
            print(type(error).__name__)
        print(tripel.offline.account())
    """
    done = python(code, tmp_path)
    assert done.stdout == "LocalEntryNotFoundError\noffline: no attempt to reach a network\n", done.stderr


def test_what_an_event_loop_asks_is_refused(tmp_path: Path) -> None:
    code = """
        import asyncio, socket, tripel
        tripel.offline.enforce()
        async def asking():
            try:
                await asyncio.open_connection("example.org", 443)
            except OSError as error:
                print(error)
            server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            print(await reader.read(), "served")
            writer.close()
        asyncio.run(asking())
    """
    done = python(code, tmp_path)
    assert "example.org:443 was asked for by a thread of the standard library (asyncio_0)" in done.stdout, done.stderr
    assert "b'' served" in done.stdout


def test_what_stays_on_this_machine_is_let_through(tmp_path: Path) -> None:
    """Loopback in both families, its names, this machine's own name and addresses, and sockets that are files."""
    code = """
        import multiprocessing, socket, threading, psutil, tripel
        tripel.offline.enforce()

        def heard(family, address):
            with socket.socket(family) as server:
                server.bind(address)
                server.listen()
                with socket.socket(family) as its:
                    its.connect(server.getsockname())
                    return True

        assert heard(socket.AF_INET, ("127.0.0.1", 0)) and heard(socket.AF_INET, ("localhost", 0))
        assert heard(socket.AF_UNIX, "its.socket")
        assert socket.getaddrinfo("localhost", 80) and socket.getaddrinfo(None, 80, flags=socket.AI_PASSIVE)
        assert socket.getaddrinfo("203.0.113.7", 80)  # a number is an address: nobody is asked
        own = [one.address for all in psutil.net_if_addrs().values() for one in all if one.family == socket.AF_INET]
        for address in own:
            assert heard(socket.AF_INET, (address, 0)), address
        try:
            socket.gethostbyname(socket.gethostname())
        except socket.gaierror:
            pass  # a machine without a name of its own
        left, right = socket.socketpair()
        left.sendall(b"x")
        assert right.recv(1) == b"x"
        with socket.socket(type=socket.SOCK_DGRAM) as its, socket.socket(type=socket.SOCK_DGRAM) as other:
            its.bind(("127.0.0.1", 0))
            other.sendto(b"y", its.getsockname())
            assert its.recv(1) == b"y"
        assert len(own) >= 1
        print(tripel.offline.account())
    """
    done = python(code, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "offline: no attempt to reach a network\n"


def test_a_neighbour_is_not_this_machine(tmp_path: Path) -> None:
    """Addresses of the networks that this machine is in, too: its neighbours, and all of them at once."""
    code = """
        import ipaddress, psutil, socket, tripel
        tripel.offline.enforce()
        own = [one for all in psutil.net_if_addrs().values() for one in all if one.family == socket.AF_INET and one.netmask]
        asked = ["255.255.255.255", "224.0.0.1", "<broadcast>"]
        for one in own:
            net = ipaddress.ip_network(f"{one.address}/{one.netmask}", strict=False)
            if not net.is_loopback:
                asked += [str(net.broadcast_address), str(ipaddress.ip_address(one.address) + 1)]
        for address in set(asked) - {one.address for one in own}:
            try:
                socket.socket(type=socket.SOCK_DGRAM).sendto(b"", (address, 9))
                print("reached", address)
            except tripel.offline.Refused:
                print("refused", address)
    """
    lines = python(code, tmp_path).stdout.splitlines()
    assert len(lines) >= 3 and all(line.startswith("refused ") for line in lines), lines


CHILDREN = {
    "another Python": "subprocess.run([sys.executable, '-c', ASKS])",
    "one that another program starts": "subprocess.run(['env', sys.executable, '-c', ASKS])",
    "a spawned process": "begun('spawn')",
    "a forked process": "begun('fork')",
    "a server of processes": "begun('forkserver')",
    "a pool": "print(multiprocessing.get_context('spawn').Pool(1).apply(asks))",
}


@pytest.mark.parametrize("child", CHILDREN)
def test_it_holds_in_children_and_is_accounted_for(child: str, tmp_path: Path) -> None:
    """Also in those that never import tripel."""
    code = f"""
import multiprocessing, subprocess, sys
ASKS = '''
import urllib.request
try:
    urllib.request.urlopen("http://child.invalid", timeout=5)
except OSError as error:
    print(error, flush=True)
'''

def asks():
    import socket
    try:
        socket.create_connection(("child.invalid", 80), 5)
    except OSError as error:
        print(error, flush=True)

def begun(how):
    process = multiprocessing.get_context(how).Process(target=asks)
    process.start()
    process.join()

if __name__ == "__main__":
    import tripel
    tripel.offline.enforce()
    {CHILDREN[child]}
    print(tripel.offline.account(), tripel.offline.GUARD.attempts)
"""
    done = python(code, tmp_path, TMPDIR=str(tmp_path))
    assert "offline: child.invalid:80 was asked for by" in done.stdout, done.stdout + done.stderr
    assert "offline: refused child.invalid:80 (by " in done.stdout and done.stdout.endswith(" []\n")
    assert not list(tmp_path.glob("tripel-offline-*"))


def test_the_environment_asks_for_it_and_a_no_does_not(tmp_path: Path) -> None:
    code = "import os, tripel\nprint(tripel.offline.enforced(), os.environ.get('HF_HUB_OFFLINE'))"
    assert python(code, tmp_path, TRIPEL_OFFLINE="1").stdout == "True 1\n"
    for no in ("", "0", "false", "no"):
        assert python(code, tmp_path, TRIPEL_OFFLINE=no).stdout == "False None\n"


def test_flags_are_set_and_silence_stays_silent(tmp_path: Path) -> None:
    code = """
        import json, os, tripel
        tripel.offline.enforce()
        tripel.offline.enforce()
        print(json.dumps(dict(os.environ)))
    """
    found = json.loads(python(code, tmp_path, WANDB_MODE="online", HF_HUB_OFFLINE="0").stdout)
    assert offline.FLAGS.items() <= found.items() and found["TRIPEL_OFFLINE"] == "1"
    assert found["PYTHONPATH"] == os.pathsep.join([offline.STARTUP, LINES["PYTHONPATH"]])
    assert json.loads(python(code, tmp_path, WANDB_MODE="disabled").stdout)["WANDB_MODE"] == "disabled"


def test_what_starts_a_python_of_its_own_still_does(tmp_path: Path) -> None:
    """A `sitecustomize` that was there before ours is run, too; one of the libraries that another Python lacks is not missed."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text("print('theirs')\n")
    code = "import subprocess, sys, tripel\ntripel.offline.enforce()\n"
    code += "subprocess.run([sys.executable, '-c', 'import sitecustomize; print(sitecustomize.__file__)'])"
    paths = os.pathsep.join([str(tmp_path / "site"), str(ROOT / "src")])
    done = python(code, tmp_path, PYTHONPATH=paths, PYTHONUNBUFFERED="1")
    assert done.stdout.splitlines() == ["theirs", "theirs", str(tmp_path / "site" / "sitecustomize.py")], done.stderr
    bare = "import subprocess, sys, tripel\ntripel.offline.enforce()\n"
    bare += "print(subprocess.run([sys.executable, '-S', '-c', 'import sitecustomize'], capture_output=True))"
    assert "returncode=0" in python(bare, tmp_path).stdout


def test_the_account_names_what_was_refused_and_what_is_not_watched(tmp_path: Path) -> None:
    code = f"""
        import os, socket, subprocess, sys, tripel
        tripel.offline.enforce()
        for _ in range(2):
            try:
                socket.create_connection(("host.invalid", 80))
            except OSError:
                pass
        subprocess.run(["env", "true", "{TEXT}"])
        subprocess.run([sys.executable, "-c", ""])
        os.system("true {TEXT}")
        print(tripel.offline.account())
    """
    said = python(code, tmp_path).stdout
    assert said.startswith(f"offline: refused host.invalid:80 (by {tmp_path / 'asks.py'}:6 in <module>)")
    assert said.endswith("; not watched, since not Python: env, a shell\n")
    assert TEXT not in said


def test_wandb_keeps_its_run_here_though_logged_in(tmp_path: Path) -> None:
    code = """
        import tripel
        tripel.offline.enforce()
        from pathlib import Path
        from tripel.training.journal import Config, Journal
        with Journal.open(Path(__file__).parent / "run", Config()) as journal:
            journal.write({"step": 1, "loss": 0.5})
        print(tripel.offline.account())
    """
    done = python(code, tmp_path, WANDB_API_KEY="a" * 40)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("offline: no attempt to reach a network;") and "wandb-core" in done.stdout
    assert list((tmp_path / "run" / "wandb").glob("offline-run-*/*.wandb"))


def test_wandb_that_is_asked_to_go_online_goes_nowhere(tmp_path: Path) -> None:
    """Its core is not Python; what it asks for is a port of this machine where nobody listens."""
    code = """
        import tripel
        tripel.offline.enforce()
        import wandb
        try:
            wandb.init(mode="online", dir=".", settings=wandb.Settings(init_timeout=2))
        except Exception as error:
            print(error)
    """
    done = python(code, tmp_path, WANDB_API_KEY="a" * 40)
    assert "127.0.0.1:9" in done.stdout, done.stdout + done.stderr


def tripel(words: list[str], tmp_path: Path, **more: str) -> subprocess.CompletedProcess[str]:
    env = {**LINES, "HOME": str(tmp_path), "HF_HOME": str(tmp_path / "hub"), "OMP_NUM_THREADS": "1", **more}
    done = [sys.executable, "-m", "tripel", *words]
    return subprocess.run(done, capture_output=True, text=True, timeout=300, env=env, cwd=tmp_path)


def test_an_encoder_of_the_hub_is_told_how_to_come(tmp_path: Path) -> None:
    for split in ("train", "dev", "test"):
        document = f"{split}|t|High fever\n{split}|a|It was hot.\n{split}\t5\t10\tfever\tDisease\tD1\n\n"
        (tmp_path / f"{split}.pubtator").write_text(document, encoding="utf-8")
    (tmp_path / "names.txt").write_text("D1||fever|pyrexia\nD2||cold\n", encoding="utf-8")
    values = yaml.safe_load((ROOT / "configs" / "sample.yaml").read_text(encoding="utf-8"))
    values["corpus"] = {"name": "files", "path": str(tmp_path)}
    values["terminologies"] = [{"name": "dictionary", "path": str(tmp_path / "names.txt")}]
    values["encoder"]["model"] = "someone/something"
    (tmp_path / "hub.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    done = tripel(["--offline", "train", "hub.yaml"], tmp_path)
    assert done.returncode == 1
    error, account = done.stderr.splitlines()[-2:]
    assert error.startswith(
        "tripel: someone/something is a name on the hub, and offline it must be in this machine's cache"
    )
    assert "`hf download someone/something --local-dir FOLDER`" in error and "encoder.model=embedded" in error
    assert account.startswith("offline: no attempt to reach a network")


@pytest.mark.parametrize("words", [["--offline", "data", "fetch", "mesh"], ["data", "fetch", "mesh", "--offline"]])
def test_a_fetch_says_which_way_is_left(words: list[str], tmp_path: Path) -> None:
    done = tripel([*words, "--output", "mesh"], tmp_path)
    assert done.returncode == 1
    error, account = done.stderr.splitlines()
    assert error.startswith("tripel: https://nlmpubs.nlm.nih.gov/") and "offline: nlmpubs.nlm.nih.gov:443" in error
    assert "put desc2024.xml into a folder and name it with --from" in error
    assert "fetching.py:" in error and account.startswith("offline: refused nlmpubs.nlm.nih.gov:443 (by ")


def test_it_may_stand_anywhere_among_the_options_and_not_among_texts() -> None:
    assert cli.offline_first(["link", "RUN", "--offline", "-k", "2"]) == ["--offline", "link", "RUN", "-k", "2"]
    texts = ["link", "RUN", "--", "--offline"]
    assert cli.offline_first(texts) == texts
    assert cli.offline_first(["link", "--offline", "RUN", "--", "--offline"]) == ["--offline", *texts]
