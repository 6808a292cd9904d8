"""The rules of savings held against the simulator's truth and against SQL, and what list prices are worth."""
