"""The rules of savings once more, as SQL, and what derived list prices are worth."""
