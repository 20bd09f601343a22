"""Scores -> tables, pictures, pages, model cards. Nothing is counted here."""
