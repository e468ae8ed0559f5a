"""A wheel carries the workflow (Snakefile, rules, scripts, configuration, profiles) inside the package."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

_ROOT = Path(__file__).parent
_SHIPPED = ("Snakefile", "workflow", "config", "profiles", "envs")


class BuildWithWorkflow(build_py):
    """Copies what `logg1m run` starts to logg1m/workflow; an editable install uses the checkout's own files."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib, "logg1m/workflow")
        shutil.rmtree(target, ignore_errors=True)
        for name in _SHIPPED:
            source, copy = _ROOT / name, target / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__", ".*"))
            else:
                shutil.copy2(source, copy)


setup(cmdclass={"build_py": BuildWithWorkflow})
