"""Games, their gradient steps, checkpoints and callbacks."""
