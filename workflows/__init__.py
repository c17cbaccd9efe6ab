"""The workflows: deterministic and thin. They feed the pure core and perform its effects."""
