"""How the user's spectra fall into chunks."""

from logg1m.config.predict import Predict
from logg1m.files import write_json
from logg1m.jobs.frame import job
from logg1m.predict.planning import plan
from logg1m.predict.reading import Options

with job(snakemake):
    settings = Predict.of(snakemake.params.predict)
    options = Options(settings.mask_bits or None)
    write_json(snakemake.output[0], plan([str(path) for path in snakemake.input.spectra], settings.chunk, options))
