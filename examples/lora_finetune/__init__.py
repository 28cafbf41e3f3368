"""The reference example: LoRA fine-tuning of a small transformer, tuned by asktell."""
