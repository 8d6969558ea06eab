"""What a registry touches outside: the folder that is published, and the keeper's own state."""
