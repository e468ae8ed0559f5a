"""Scripts that judge, decide, draw or tell start in a second: they load no torch."""

import subprocess
import sys
from pathlib import Path

SCRIPTS = Path(__file__).parents[2] / "workflow/scripts"
LIGHT = ("documents", "decide", "errors", "evidence", "figures", "models", "propose", "scaling", "verdict", "winner")


def test_they_load_no_heavy_library():
    imports = [(SCRIPTS / f"{name}.py").read_text().split("\nwith job")[0].split("\ndef ")[0] for name in LIGHT]
    code = "\n".join(
        [*imports, "import sys", "found = {'torch', 'lightgbm', 'dask'} & set(sys.modules)", "assert not found, found"]
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
