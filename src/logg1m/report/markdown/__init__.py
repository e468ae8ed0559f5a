"""The Markdown documents."""
