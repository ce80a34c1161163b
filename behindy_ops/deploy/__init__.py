"""The main job: survey, reconcile and plan (pure), steps, record."""
