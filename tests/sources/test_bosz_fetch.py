"""Fetching over HTTP from a local server that fails, truncates, stalls and changes its mind."""

import gzip
import hashlib
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from logg1m import cli
from logg1m.files import InputError
from logg1m.sources.bosz.fetch import Patience, fetch, fetch_all

CONTENT = gzip.compress(bytes(range(256)) * 4000, 0)  # about 1 MB
SHA256 = hashlib.sha256(CONTENT).hexdigest()
QUICK = Patience(timeout=0.3, attempts=3, pause=0.01)


class Handler(BaseHTTPRequestHandler):
    """Serves `server.content`; every request takes the next entry of `server.plan` off the list."""

    server: "Server"

    def do_GET(self) -> None:
        trouble = self.server.plan.pop(0) if self.server.plan else "fine"
        asked = self.headers.get("Range")
        self.server.seen.append((trouble, asked))
        content, tag = self.server.content, self.server.tag
        if trouble.startswith("to "):
            return self.answer(302, b"", {"Location": trouble.removeprefix("to ")})
        if trouble.isdigit():
            return self.answer(int(trouble), b"no")
        start = 0
        if asked and trouble != "no ranges" and self.headers.get("If-Range") in (None, tag):
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if start >= len(content):
                return self.answer(416, b"", {"Content-Range": f"bytes */{len(content)}"})
        extra = {"ETag": tag} if tag else {}
        if start:
            extra["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        body = content[start:]
        if trouble == "flipped":
            body = body[:-1] + bytes([body[-1] ^ 1])
        sent = body[: 300_000 if trouble in ("truncated", "stalled") else len(body)]
        if trouble == "nothing":
            sent = b""
        self.answer(206 if start else 200, sent, extra, len(body))
        if trouble == "stalled":
            self.wfile.flush()
            self.server.released.wait(5)

    def answer(self, status: int, body: bytes, extra: dict[str, str] | None = None, length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in (extra or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.tag = CONTENT, '"one"'
        self.plan: list[str] = []
        self.seen: list[tuple[str, str | None]] = []
        self.released = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/spectrum.txt.gz"


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server
        server.released.set()
        server.shutdown()
        thread.join()


def check(folder: Path) -> None:
    """The file is whole and alone."""
    assert (folder / "a.txt.gz").read_bytes() == CONTENT
    assert [path.name for path in folder.iterdir()] == ["a.txt.gz"]


def test_a_good_server(server: Server, tmp_path: Path) -> None:
    fetch(server.url, tmp_path / "a.txt.gz", SHA256, QUICK)
    check(tmp_path)
    fetch(server.url, tmp_path / "a.txt.gz", SHA256, QUICK)
    assert server.seen == [("fine", None)]  # what is there and right is not fetched again


@pytest.mark.parametrize("plan", [["503", "500", "fine"], ["429", "fine"], ["nothing", "fine"]])
def test_a_server_that_fails_is_asked_again(server: Server, tmp_path: Path, plan: list[str]) -> None:
    server.plan = list(plan)
    fetch(server.url, tmp_path / "a.txt.gz", SHA256, QUICK)
    check(tmp_path)
    assert [trouble for trouble, _ in server.seen] == plan


@pytest.mark.parametrize("trouble", ["truncated", "stalled"])
def test_what_came_is_kept_and_continued(server: Server, tmp_path: Path, trouble: str) -> None:
    server.plan = [trouble, trouble, "fine"]
    start = time.monotonic()
    fetch(server.url, tmp_path / "a.txt.gz", SHA256, QUICK)
    assert time.monotonic() - start < 4
    check(tmp_path)
    assert [asked for _, asked in server.seen] == [None, "bytes=300000-", "bytes=600000-"]


def test_progress_resets_the_patience(server: Server, tmp_path: Path) -> None:
    server.content = CONTENT * 2
    server.plan = ["truncated"] * 6  # twice as many as attempts, each with some bytes
    fetch(server.url, tmp_path / "a.bin", None, QUICK)
    assert (tmp_path / "a.bin").read_bytes() == CONTENT * 2


def test_a_server_without_ranges_starts_over(server: Server, tmp_path: Path) -> None:
    server.plan = ["truncated", "no ranges"]
    fetch(server.url, tmp_path / "a.txt.gz", SHA256, QUICK)
    check(tmp_path)


def test_a_file_that_changed_on_the_server_is_not_mixed(server: Server, tmp_path: Path) -> None:
    server.plan = ["truncated", "503", "503", "503"]
    server.content, server.tag = CONTENT[::-1], '"old"'
    with pytest.raises(InputError, match=r"503 .*3 times in a row; what came so far \(300000 bytes\) is kept"):
        fetch(server.url, tmp_path / "a.txt.gz", SHA256, QUICK)
    server.content, server.tag = CONTENT, '"new"'
    fetch(server.url, tmp_path / "a.txt.gz", SHA256, QUICK)
    check(tmp_path)


def test_without_a_tag_a_mixture_is_found_by_its_checksum(server: Server, tmp_path: Path) -> None:
    server.tag = ""
    (tmp_path / "a.txt.gz.part").write_bytes(b"something else" * 1000)
    fetch(server.url, tmp_path / "a.txt.gz", SHA256, QUICK)
    check(tmp_path)
    assert [asked for _, asked in server.seen] == ["bytes=14000-", None]


def test_a_finished_part_is_only_renamed(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.txt.gz.part").write_bytes(CONTENT)
    fetch(server.url, tmp_path / "a.txt.gz", SHA256, QUICK)
    check(tmp_path)
    assert len(server.seen) == 1


def test_a_part_longer_than_the_file_starts_over(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.txt.gz.part").write_bytes(CONTENT + b"more")
    fetch(server.url, tmp_path / "a.txt.gz", SHA256, QUICK)
    check(tmp_path)


def test_damage_on_the_way_is_fetched_once_more_and_then_refused(server: Server, tmp_path: Path) -> None:
    server.plan = ["flipped", "fine"]
    fetch(server.url, tmp_path / "a.txt.gz", SHA256, QUICK)
    check(tmp_path)
    server.plan = ["flipped", "flipped"]
    with pytest.raises(InputError, match=r"fetched twice and is wrong: its SHA-256 is .* expected"):
        fetch(server.url, tmp_path / "b.txt.gz", SHA256, QUICK)
    server.plan = ["flipped", "flipped"]
    with pytest.raises(InputError, match="fetched twice and is wrong: it does not unpack"):
        fetch(server.url, tmp_path / "b.txt.gz", None, QUICK)
    check(tmp_path)


def test_redirections_on_the_same_server_are_followed(server: Server, tmp_path: Path) -> None:
    server.plan = ["to /elsewhere/spectrum.txt.gz", "fine"]
    fetch(server.url, tmp_path / "a.txt.gz", SHA256, QUICK)
    check(tmp_path)


@pytest.mark.parametrize(
    "address",
    ["http://localhost:{port}/spectrum.txt.gz", "https://127.0.0.1:{port}/s", "ftp://127.0.0.1/s", "file:///etc/hosts"],
)
def test_redirections_to_elsewhere_are_refused(server: Server, tmp_path: Path, address: str) -> None:
    target = address.format(port=server.server_port)
    server.plan = [f"to {target}"]
    with pytest.raises(InputError) as caught:
        fetch(server.url, tmp_path / "a.txt.gz", SHA256, QUICK)
    assert f"redirects to {target}, which is another host or scheme" in str(caught.value)
    assert len(server.seen) == 1
    assert not list(tmp_path.iterdir())


def test_nothing_is_fetched_onto_a_folder(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.txt.gz").mkdir()
    with pytest.raises(InputError, match=r"a\.txt\.gz: it is no file; choose another folder"):
        fetch(server.url, tmp_path / "a.txt.gz", SHA256, QUICK)
    assert server.seen == []


def test_what_cannot_be_mended_is_said_at_once(server: Server, tmp_path: Path) -> None:
    server.plan = ["404"]
    with pytest.raises(InputError, match="the server answered 404"):
        fetch(server.url, tmp_path / "a.txt.gz", SHA256, QUICK)
    assert len(server.seen) == 1
    with pytest.raises(InputError, match="expected an address that begins with http"):
        fetch("file:///etc/hostname", tmp_path / "a.txt.gz", None, QUICK)
    with pytest.raises(InputError, match=r"no connection .* 3 times in a row"):
        fetch("http://127.0.0.1:9/a", tmp_path / "a.txt.gz", None, QUICK)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_said(server: Server, small_disk: Path) -> None:
    server.content = bytes(4_000_000)
    with pytest.raises(InputError, match=r"cannot write .*No space left"):
        fetch(server.url, small_disk / "a.bin", None, QUICK)
    assert not (small_disk / "a.bin").exists()


def test_a_list_of_files(server: Server, tmp_path: Path) -> None:
    names = {"r20000/m+0.00/bosz2024_mp_t5000.txt.gz": SHA256, "wave.txt.gz": None}
    paths = fetch_all(server.url, names, tmp_path, QUICK)
    assert [path.read_bytes() == CONTENT for path in paths] == [True, True]
    for name in ("../a", "a/../b", "/etc/x", "a b", "a?b", ""):
        with pytest.raises(InputError, match="expected a relative path"):
            fetch_all(server.url, {name: None}, tmp_path, QUICK)


NODES = ("--teff", "4000", "--logg", "3", "4", "--m-h", "-1", "--a-m", "0", "--c-m", "-0.25")


@pytest.mark.slow
def test_the_command_fetches_wavelengths_and_every_combination_of_nodes(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.plan = ["fine", "503"]  # the wavelengths come; the first model needs a second attempt
    assert cli.main(["fetch-bosz", server.url, str(tmp_path / "bosz"), *NODES]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'bosz'}: 2 model spectra\n"
    found = sorted(
        str(path.relative_to(tmp_path / "bosz")) for path in (tmp_path / "bosz").rglob("*.*") if path.is_file()
    )
    assert found == [
        "r20000/m-1.00/bosz2024_mp_t4000_g+4.0_m-1.00_a+0.00_c-0.25_v2_r20000_resam.txt.gz",
        "r20000/m-1.00/bosz2024_ms_t4000_g+3.0_m-1.00_a+0.00_c-0.25_v2_r20000_resam.txt.gz",
        "wavelength_grids/bosz2024_wave_r20000.txt",
    ]


def test_models_that_the_server_lacks_are_named_once_the_others_are_there(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.plan = ["fine", "404"]
    assert cli.main(["fetch-bosz", server.url, str(tmp_path), *NODES]) == 1
    err = capsys.readouterr().err
    assert "lacks 1 of 2 files, the first of them r20000/m-1.00/bosz2024_ms_t4000_g+3.0" in err
    assert len(list(tmp_path.rglob("*.gz"))) == 1


def test_a_wrong_address_is_said_after_one_request(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.plan = ["404"]
    assert cli.main(["fetch-bosz", server.url, str(tmp_path), *NODES]) == 1
    assert "lacks 1 of 1 files, the first of them wavelength_grids/" in capsys.readouterr().err
    assert len(server.seen) == 1
