"""The mailing: gains by depth, target lists, suppression files."""
