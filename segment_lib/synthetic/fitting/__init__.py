"""How `patterns.csv` and `model.json` follow from the published figures. Not needed to make extracts."""
