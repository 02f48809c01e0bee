"""Where bytes lie: a disk or a bucket; files, arrays, locks."""
