"""Figures and documents, made from tracked artifacts only."""
