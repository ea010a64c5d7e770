"""Measures of samples against real images, on NumPy arrays."""
