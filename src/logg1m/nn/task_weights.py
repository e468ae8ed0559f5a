"""How the losses of several labels become one."""

import torch
from torch import nn

_LOGG_FIRST = 0.2  # weight of the other labels where log g comes first
_MEMORY = 0.95  # of the running gradient norms


class TaskWeights(nn.Module):
    """Weights of the targets, of mean 1 over them.

    multi_equal : all alike
    multi_logg_first : log g 1, the others 0.2, before the mean is taken out
    multi_balanced : inversely proportional to the norm of each loss's gradient at the encoded spectrum, as a running
        mean, so that no label drives the encoder alone (the idea of Chen et al. 2018, in closed form)
    """

    weights: torch.Tensor
    norms: torch.Tensor

    def __init__(self, kind: str, n_targets: int) -> None:
        super().__init__()
        self.balanced = kind == "multi_balanced" and n_targets > 1
        weights = torch.ones(n_targets)
        if kind == "multi_logg_first":
            weights[1:] = _LOGG_FIRST
        self.register_buffer("weights", weights * n_targets / weights.sum())
        self.register_buffer("norms", torch.zeros(n_targets))

    def forward(self, losses: torch.Tensor, encoded: torch.Tensor) -> torch.Tensor:
        """Losses (T,) and what they were computed from (B, F) → one loss."""
        if self.balanced and self.training:
            self._update(losses, encoded)
        return torch.as_tensor((self.weights * losses).mean())

    def _update(self, losses: torch.Tensor, encoded: torch.Tensor) -> None:
        gradients = [torch.autograd.grad(loss, encoded, retain_graph=True)[0].norm() for loss in losses]
        norms = torch.stack(gradients).detach().float()
        self.norms.copy_(torch.where(self.norms > 0, _MEMORY * self.norms + (1 - _MEMORY) * norms, norms))
        inverse = 1 / self.norms.clamp_min(1e-12)
        self.weights.copy_(inverse * len(inverse) / inverse.sum())
