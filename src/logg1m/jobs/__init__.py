"""What runs a job and what it leaves behind: frame, records, provenance, interruption, progress, machine."""
