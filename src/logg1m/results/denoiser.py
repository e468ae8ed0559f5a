"""A denoiser's files: what they are called. Rules take their names from here, as does who writes or reads one."""

MODEL, REPORT, HISTORY = "model.safetensors", "report.json", "history.csv"
PROFILE, EXAMPLES, PROVENANCE = "profile.parquet", "examples.parquet", "provenance.json"
FILES = [MODEL, REPORT, HISTORY, PROFILE, EXAMPLES, PROVENANCE]
SHOWN = [REPORT, PROFILE, EXAMPLES]  # what verdicts and figures read
