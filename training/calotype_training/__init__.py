"""Training of Calotype, a learned image codec: network, trainer, evaluation (DESIGN.md sections 3-6)."""
