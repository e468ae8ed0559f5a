"""The Bayes-optimal ceiling: posteriors under the prior that made the labels."""
