from __future__ import annotations

from hypothesis import HealthCheck, settings

# A busy machine is no reason to fail: neither one slow example nor slow generation counts.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")
