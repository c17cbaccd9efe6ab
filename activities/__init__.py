"""Activities: classes that take ports; the composition root gives them implementations."""
