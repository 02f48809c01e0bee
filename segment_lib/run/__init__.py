"""What happened and what is still right: run.json, stages, parts."""
