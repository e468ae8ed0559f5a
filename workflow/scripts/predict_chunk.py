"""What the model says of one chunk of the user's spectra."""

from pathlib import Path

from logg1m.blame import understood
from logg1m.config.predict import Predict
from logg1m.files import read_json
from logg1m.jobs.frame import job
from logg1m.predict.model import load
from logg1m.predict.predicting import Predictor
from logg1m.predict.reading import Options
from logg1m.predict.running import Asking, predict_files

with job(snakemake):
    settings, given = Predict.of(snakemake.params.predict), snakemake.input
    with understood(given.plan):
        start, stop = map(int, read_json(given.plan, ("chunks",))["chunks"][int(snakemake.wildcards.number)])
    asking = Asking(
        estimator=settings.estimator,
        frame=settings.frame,
        v_los=settings.v_los,
        rv=Path(settings.rv) if settings.rv else None,
        bound=settings.bound,
        options=Options(settings.mask_bits or None),
        rows=(start, stop),
        threads=int(snakemake.threads),
    )
    predictor = Predictor(load(Path(given.model[0]).parent))
    predict_files([str(path) for path in given.spectra], predictor, Path(snakemake.output[0]), asking, overwrite=True)
