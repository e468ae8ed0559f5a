"""Fetch BOSZ files over HTTP: resumed where they broke off, tried again when the server fails, and checked.

A file is written beside its place as `<name>.part` and takes its name only once it is whole; what an interrupted
fetch left behind is continued with a range request if the server still has the same file.
"""

import gzip
import hashlib
import http.client
import re
import time
import urllib.error
import urllib.parse
import urllib.request
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from logg1m.files import InputError, read_json, write_json
from logg1m.jobs.progress import Progress, log

_BLOCK = 256 * 1024
_NAME = re.compile(r"[\w.+-]+(?:/[\w.+-]+)*")  # relative, without anything that a shell or a server may reinterpret
# Statuses after which the same request may succeed later (RFC 9110; 429 of RFC 6585); all others are final.
_PASSING = {408, 425, 429, 500, 502, 503, 504}
_ABSENT = {404, 410}


@dataclass(frozen=True)
class Patience:
    """How long to try: seconds without a byte before a connection counts as stalled, attempts, pause between them.

    The pause doubles after every attempt; an attempt that brought new bytes does not count.
    """

    timeout: float = 30.0
    attempts: int = 6
    pause: float = 1.0


class _Broken(Exception):
    """An attempt that failed in a way another attempt may mend."""


class _Absent(InputError):
    """The server has no such file."""


class _SamePlace(urllib.request.HTTPRedirectHandler):
    """Follow redirections on the same server alone: what another one sends is not what was asked for."""

    def http_error_302(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: http.client.HTTPMessage
    ) -> Any:
        new = urllib.parse.urljoin(req.full_url, headers.get("location") or "")
        if _place(req.full_url) != _place(new):
            raise InputError(
                f"cannot fetch {req.full_url}: the server redirects to {new}, which is another host or scheme; if you "
                "trust it, give that address"
            )
        return super().http_error_302(req, fp, code, msg, headers)

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


def _place(url: str) -> tuple[str, str]:
    """Scheme and host of an address."""
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.netloc.lower()


_OPENER = urllib.request.build_opener(_SamePlace)


def fetch(url: str, path: Path, sha256: str | None = None, patience: Patience | None = None) -> None:
    """Fetch one file; one that is there already and passes the check is left alone.

    Parameters
    ----------
    url : http or https
    path : where the file goes
    sha256 : expected checksum, hexadecimal; without it a .gz file is at least unpacked as a test

    Raises
    ------
    InputError
        If the server refuses, every attempt fails, the checksum is wrong, or the disk refuses. No half-fetched file
        ever bears the final name.
    """
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        raise InputError(f"cannot fetch '{url}': expected an address that begins with http:// or https://")
    patience = patience or Patience()
    part = path.with_name(path.name + ".part")
    if path.exists() and not path.is_file():
        raise InputError(f"cannot write {path}: it is no file; choose another folder")
    try:
        if path.exists() and _fault(path, sha256) is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        _fetch_whole(url, part, patience)
        fault = _fault(part, sha256, path.name)
        if fault:  # bytes of another version at the front, or damage on the way: once more from the start
            log.info(f"{url}: {fault}; fetching it once more from the start")
            _discard(part)
            _fetch_whole(url, part, patience)
            fault = _fault(part, sha256, path.name)
        if fault:
            _discard(part)
            raise InputError(f"{url} was fetched twice and is wrong: {fault}; nothing was kept")
        part.replace(path)
        _tag_file(part).unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error


def fetch_all(root: str, names: Mapping[str, str | None], folder: Path, patience: Patience | None = None) -> list[Path]:
    """Fetch root/name for every name → checksum (or None) into folder/name; return the paths.

    Raises
    ------
    InputError
        If a name is not a plain relative path, as `fetch`, or once all else is there, if the server lacks some files.
    """
    for name in names:
        if not _NAME.fullmatch(name) or ".." in name.split("/"):
            raise InputError(f"cannot fetch '{name}': expected a relative path of letters, digits and . + - _ /")
    progress = Progress(f"fetch from {root}", len(names), "files")
    absent: list[str] = []
    for name, checksum in names.items():
        try:
            fetch(f"{root.rstrip('/')}/{urllib.parse.quote(name)}", folder / name, checksum, patience)
        except _Absent:
            absent.append(name)
        progress.add(1)
    progress.finish()
    if absent:
        raise InputError(
            f"{root} lacks {len(absent)} of {len(names)} files, the first of them {absent[0]}; what it has is in "
            f"{folder}"
        )
    return [folder / name for name in names]


def file_name(labels: tuple[float, float, float, float, float], resolution: str = "r20000", turbulence: int = 2) -> str:
    """Path below the published root of the MARCS model with (teff K, logg, m_h, a_m, c_m dex), 2024 layout."""
    teff, logg, m_h, a_m, c_m = labels
    atmosphere = "ms" if logg < 3.5 else "mp"
    kind = "noresam" if resolution == "rorig" else "resam"
    name = (
        f"bosz2024_{atmosphere}_t{teff:.0f}_g{logg:+.1f}_m{m_h:+.2f}_a{a_m:+.2f}_c{c_m:+.2f}"
        f"_v{turbulence}_{resolution}_{kind}.txt.gz"
    )
    return f"{resolution}/m{m_h:+.2f}/{name}".replace("-0.00", "+0.00")


def _fetch_whole(url: str, part: Path, patience: Patience) -> None:
    """Bring `part` to its full length, over as many attempts as it takes."""
    failures, pause = 0, patience.pause
    while True:
        before = part.stat().st_size if part.exists() else 0
        try:
            _attempt(url, part, patience.timeout)
            return
        except _Broken as error:
            after = part.stat().st_size if part.exists() else 0
            failures, pause = (0, patience.pause) if after > before else (failures + 1, pause * 2)
            if failures >= patience.attempts:
                raise InputError(
                    f"cannot fetch {url}: {error}, {failures} times in a row; what came so far ({after} bytes) is "
                    f"kept in {part}: run again to go on"
                ) from error
            log.info(f"{url}: {error}; trying again in {pause:.1f} s")
            time.sleep(pause)


def _attempt(url: str, part: Path, timeout: float) -> None:
    """One request for what is missing; returns once the server has sent everything it announced."""
    have = part.stat().st_size if part.exists() else 0
    tag = read_json(_tag_file(part)).get("etag") if have and _tag_file(part).exists() else None
    request = urllib.request.Request(url, headers={"Accept-Encoding": "identity"})
    if have:
        request.add_header("Range", f"bytes={have}-")
        if tag:
            request.add_header("If-Range", str(tag))
    try:
        with _OPENER.open(request, timeout=timeout) as response:
            resumed = response.status == 206 and _starts_at(response.headers.get("Content-Range"), have)
            if response.status == 206 and not resumed:
                _discard(part)
                raise _Broken("the server sent another range than was asked for")
            length = response.headers.get("Content-Length")
            expected = int(length) if length and length.isdigit() else None
            if not resumed:
                write_json(_tag_file(part), {"etag": response.headers.get("ETag")})
            with open(part, "ab" if resumed else "wb") as out:
                came = 0
                while block := response.read1(_BLOCK):  # what has come, so that a stall loses nothing
                    out.write(block)
                    came += len(block)
            if expected is not None and came < expected:
                raise _Broken(f"the connection closed after {came} of {expected} bytes")
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:  # nothing beyond what is there: it is whole, or it belongs to another file
            if (error.headers.get("Content-Range") or "").endswith(f"/{have}"):
                return
            _discard(part)
            raise _Broken("the file on the server is shorter than what was fetched before") from error
        if error.code in _PASSING:
            raise _Broken(f"the server answered {error.code} {error.reason}") from error
        refused = _Absent if error.code in _ABSENT else InputError
        raise refused(f"cannot fetch {url}: the server answered {error.code} {error.reason}") from error
    except TimeoutError as error:
        raise _Broken(f"no data for {timeout:g} s") from error
    except urllib.error.URLError as error:
        raise _Broken(f"no connection ({error.reason})") from error
    except (http.client.HTTPException, ConnectionError) as error:
        raise _Broken(f"the connection broke off ({type(error).__name__})") from error


def _starts_at(content_range: str | None, have: int) -> bool:
    return (content_range or "").startswith(f"bytes {have}-")


def _tag_file(part: Path) -> Path:
    """Where the server's version tag of a half-fetched file is kept."""
    return part.with_name(part.name + ".json")


def _discard(part: Path) -> None:
    part.unlink(missing_ok=True)
    _tag_file(part).unlink(missing_ok=True)


def _fault(path: Path, sha256: str | None, name: str = "") -> str | None:
    """What is wrong with a file, or None."""
    if sha256 is not None:
        with open(path, "rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        return None if found == sha256.lower() else f"its SHA-256 is {found}, expected {sha256.lower()}"
    if (name or path.name).endswith(".gz"):
        try:
            with gzip.open(path, "rb") as stream:
                while stream.read(_BLOCK):
                    pass
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            return f"it does not unpack ({error})"
    return None
