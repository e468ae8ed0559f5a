"""Where a trained network looks: the attention that every token receives, layer by layer."""

import numpy as np
import pandas as pd
import torch

from logg1m.nn.encoder import Layer
from logg1m.nn.learner import Learner

_ROWS = 256  # spectra behind the mean
_BATCH = 64


def received(learner: Learner, x: np.ndarray, wave: np.ndarray, device: torch.device) -> pd.DataFrame:
    """Mean attention that the tokens of (at most 256) prepared spectra (N, C, P) receive from all tokens.

    One row per layer and token: layer from 1, low and high edge of the token in vacuum Å, attention; the attention of a
    layer adds up to 1 over its tokens, less what falls on a class token and on the projection.
    """
    encoder, x = learner.encoder, x[:_ROWS]
    spans = np.array(encoder.tokeniser.spans(len(wave)))
    totals = [torch.zeros(len(spans)) for _ in encoder.layers]
    with torch.no_grad():
        for low in range(0, len(x), _BATCH):
            seen = torch.as_tensor(x[low : low + _BATCH]).to(device)
            tokens, beside = encoder.tokeniser(learner.standardise(seen)), learner.token(learner.projected(seen))
            hidden, rotation = encoder.placed(tokens, encoder.centres, beside)
            for total, layer in zip(totals, encoder.layers):
                assert isinstance(layer, Layer)
                attention = layer.attention(hidden, rotation).mean(dim=(1, 2))[:, -len(spans) :]
                total += attention.sum(dim=0).float().cpu()
                hidden = layer(hidden, rotation)
    half = (wave[1] - wave[0]) / 2
    edges = {"low": wave[spans[:, 0]] - half, "high": wave[spans[:, 1] - 1] + half}
    parts = [
        pd.DataFrame({"layer": k + 1, **edges, "attention": total.numpy() / max(len(x), 1)})
        for k, total in enumerate(totals)
    ]
    return pd.concat(parts, ignore_index=True)
