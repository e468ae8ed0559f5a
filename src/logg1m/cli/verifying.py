"""`logg1m verify`: every byte of a store against its manifest."""

import hashlib

from logg1m.files import InputError
from logg1m.jobs.progress import Progress
from logg1m.spectra import identifiers
from logg1m.spectra.store import Store


def verify(store: Store) -> str:
    """SHA-256 over wavelengths, spectra and labels (arrays and labels in alphabetical order), as hexadecimal digits.

    Raises
    ------
    InputError
        Names all parts (up to 20) that are missing or not what the manifest says.
    """
    digest, damaged = hashlib.sha256(store.wave.tobytes()), []
    progress = Progress("verify", store.n_chunks * len(store.manifest["arrays"]), "chunks")
    for name in sorted(store.manifest["arrays"]):
        for chunk in range(store.n_chunks):
            try:
                digest.update(store.read(chunk, name).tobytes())
            except InputError as error:
                damaged.append(str(error))
            progress.add(1)
    progress.finish()
    try:
        labels = store.labels()
        for name in sorted(labels):
            digest.update(labels[name].to_numpy().tobytes())
        identifiers.read(store)
    except InputError as error:
        damaged.append(str(error))
    if damaged:
        raise InputError(f"{store.path}: {len(damaged)} damaged parts:\n  " + "\n  ".join(damaged[:20]))
    return digest.hexdigest()
