"""How `model.json` and `patterns.csv` are fitted to the published figures."""
