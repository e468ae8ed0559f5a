"""Templates, style and script of the documents, and their fingerprint. Light: the workflow imports this."""

import hashlib
from pathlib import Path

PAGE = Path(__file__).parent / "page"
MARKDOWN = Path(__file__).parent / "markdown"


def template_fingerprint(folder: Path = PAGE) -> str:
    """Hash of everything that shapes a document and is no Python."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    return hashlib.sha256(b"\0".join(path.name.encode() + b"\0" + path.read_bytes() for path in files)).hexdigest()[:16]
