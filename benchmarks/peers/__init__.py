"""What a user would pick instead, each as a program that tells its figures as JSON lines."""
