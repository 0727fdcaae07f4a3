"""Reading mesh files: archives, cleaning, the cache of converted models."""
