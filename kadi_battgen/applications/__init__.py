"""What the trained models are for: translate, compose, screen."""
