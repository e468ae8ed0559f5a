"""What an experiment may report beside its criteria: one file per report, its name is the name in the YAML."""
