"""What is done to one part: each module holds the task of a part as a value."""
