"""A training that is interrupted, to be taken up again."""

from collections.abc import Callable

import pytest

from logg1m.jobs import interruption
from logg1m.nn.trainer import Trainer


@pytest.fixture
def interrupted(monkeypatch) -> Callable[..., list[int]]:
    """Run a training that is asked to stop after a step; the steps taken since, this training's and later ones', as a list."""

    def run(training: Callable[[], object], after: int) -> list[int]:
        step, taken = Trainer._step, []

        def counted(self: Trainer, batch: object) -> None:
            step(self, batch)
            taken.append(1)
            monkeypatch.setattr(interruption, "requested", lambda: len(taken) == after)

        monkeypatch.setattr(Trainer, "_step", counted)
        with pytest.raises(interruption.Interrupted):
            training()
        return taken

    return run
