"""Storage on a disk or in a bucket: files, arrays, tables and locks."""
