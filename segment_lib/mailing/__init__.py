"""Who gets mail: gains, target lists, and those left out."""
